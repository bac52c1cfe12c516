//! `workbench serve` as a browser sees it, and as somebody sees it who means no good.

mod files;
mod hostile;
mod pages;
mod server;
