//! `workbench serve`: its pages and files, and hostile requests and stores.

mod files;
mod hostile;
mod pages;
mod server;
