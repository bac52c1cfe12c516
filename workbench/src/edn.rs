//! EDN, the notation of Jepsen's files: small constructors, and the way from and to JSON.

use std::borrow::Cow;

use clojure_reader::edn::Edn;

/// A keyword, given without its colon.
pub fn key(name: &'static str) -> Edn<'static> {
    Edn::Key(Cow::Borrowed(name))
}

/// A string.
pub fn text(text: &str) -> Edn<'static> {
    Edn::Str(Cow::Owned(text.to_owned()))
}

/// A map with keywords as keys.
pub fn map<const N: usize>(entries: [(&'static str, Edn<'static>); N]) -> Edn<'static> {
    Edn::Map(entries.into_iter().map(|(name, value)| (key(name), value)).collect())
}

/// Puts one entry into a map; anything else is left as it is.
pub fn insert(map: &mut Edn<'static>, name: &'static str, value: Edn<'static>) {
    if let Edn::Map(entries) = map {
        entries.insert(key(name), value);
    }
}
