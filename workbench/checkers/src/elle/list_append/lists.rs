//! Lists that were read.
//!
//! All lists that were read from one key are a tree: the parent of a list is the list without its
//! last element. If all reads agree, it is a single path as long as the longest list. A list is one
//! number, its last element is at hand, and reading a known list only follows the path.

use crate::element::Element;
use crate::elle::number_map::NumberMap;
use crate::elle::result::Content;
use crate::elle::transactions::{MicroOp, NIL, Numbers, Values, writes};
use history::Pair;

/// All lists that were read; number `NIL` is the missing list of a key.
#[derive(Debug)]
pub(crate) struct Lists {
    /// Each list comes after its prefixes.
    lists: Vec<List>,
    /// By key: the empty list.
    roots: Vec<u32>,
    /// By list and element: the list extended by the element, except for the first such list.
    extended: NumberMap<(u32, u32), u32>,
    /// By key and element: the operation that requested the append.
    requested: NumberMap<(u32, u32), RequestedAppend>,
    /// An append that several operations requested: the key, the element, and two of the
    /// operations.
    pub(super) requested_twice: Option<(u32, u32, [usize; 2])>,
}

/// An operation that requested an append.
#[derive(Debug, Clone, Copy)]
struct RequestedAppend {
    index: usize,
    is_completed: bool,
}

/// A list, given by its prefix and its last element.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    pub(super) key: u32,
    /// The list without its last element.
    pub(super) shorter: u32,
    /// Its last element; `NIL` if there is none.
    pub(super) last: u32,
    pub(super) length: u32,
    /// The first list that was read with one more element; `NIL` if there is none.
    extended: u32,
}

impl Default for Lists {
    fn default() -> Self {
        let nothing = List {
            key: NIL,
            shorter: NIL,
            last: NIL,
            length: 0,
            extended: NIL,
        };
        Lists {
            lists: vec![nothing],
            roots: Vec::new(),
            extended: NumberMap::default(),
            requested: NumberMap::default(),
            requested_twice: None,
        }
    }
}

impl Values for Lists {
    const UNSET: &'static str = "";
    const WRITE: &'static str = "append";
    const STEPS: &'static str = "reads and appends";
    /// A list may be as long as the history: several cases for each list would be too large.
    const MAX_CASES: usize = 100;

    fn read(&mut self, key: u32, json: &str, elements: &mut Numbers) -> Result<u32, String> {
        if json == "null" {
            return Ok(NIL);
        }
        let list = Element::list(json).map_err(|_| "the value read is not a list".to_owned())?;
        let empty = self.empty(key);
        Ok(list
            .into_iter()
            .fold(empty, |list, element| self.extend(list, element, elements)))
    }

    fn on_invocation(&mut self, op: &Pair<'_>, micro_ops: &[MicroOp]) {
        let requested = RequestedAppend {
            index: op.invocation.index,
            is_completed: op.completion.is_some(),
        };
        for append in writes(micro_ops) {
            let (key, element) = (append.key, append.value);
            if let Some(earlier) = self.requested.insert((key, element), requested) {
                let both = [earlier.index, requested.index];
                self.requested_twice.get_or_insert((key, element, both));
            }
        }
    }

    fn version(&self, read: u32) -> u32 {
        self.list(read).last
    }

    fn content(&self, read: u32, elements: &Numbers) -> Content {
        if read == NIL {
            return Content::Nothing;
        }
        let all = self.elements(read).into_iter();
        Content::List(all.map(|it| elements.element(it).clone()).collect())
    }

    fn version_element(version: u32, elements: &Numbers) -> Option<Element> {
        (version != NIL).then(|| elements.element(version).clone())
    }
}

impl Lists {
    fn empty(&mut self, key: u32) -> u32 {
        let index = key as usize;
        if self.roots.len() <= index {
            self.roots.resize(index + 1, NIL);
        }
        if self.roots[index] == NIL {
            self.roots[index] = self.lists.len() as u32;
            self.lists.push(List {
                key,
                ..self.lists[0]
            });
        }
        self.roots[index]
    }

    /// The list with one more element.
    fn extend(&mut self, list: u32, element: Element, elements: &mut Numbers) -> u32 {
        let List {
            key,
            length,
            extended,
            ..
        } = self.lists[list as usize];
        if extended != NIL && *elements.element(self.list(extended).last) == element {
            return extended;
        }
        let last = elements.number(element);
        if let Some(known) = self.find_extended(list, last) {
            return known;
        }
        let new = self.lists.len() as u32;
        self.lists.push(List {
            key,
            shorter: list,
            last,
            length: length + 1,
            extended: NIL,
        });
        if extended == NIL {
            self.lists[list as usize].extended = new;
        } else {
            self.extended.insert((list, last), new);
        }
        new
    }

    /// The list with one more element, if it was read.
    fn find_extended(&self, list: u32, element: u32) -> Option<u32> {
        let first = self.list(list).extended;
        if first != NIL && self.list(first).last == element {
            return Some(first);
        }
        self.extended.get(&(list, element)).copied()
    }

    /// A list, by its number.
    pub(super) fn list(&self, number: u32) -> &List {
        &self.lists[number as usize]
    }

    /// All lists with their numbers, each after its prefixes.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = (u32, &List)> {
        (0..self.lists.len() as u32).zip(&self.lists)
    }

    /// The number of lists.
    pub(super) fn len(&self) -> usize {
        self.lists.len()
    }

    /// The elements of a list, the last one first.
    pub(super) fn backwards(&self, mut number: u32) -> impl Iterator<Item = u32> {
        std::iter::from_fn(move || {
            let list = self.list(number);
            number = list.shorter;
            (list.length > 0).then_some(list.last)
        })
    }

    /// The elements of a list.
    pub(super) fn elements(&self, number: u32) -> Vec<u32> {
        let mut elements: Vec<u32> = self.backwards(number).collect();
        elements.reverse();
        elements
    }

    /// The list extended by these elements, if it was read.
    pub(super) fn find_with_suffix(&self, list: Option<u32>, elements: &[u32]) -> Option<u32> {
        let mut elements = elements.iter();
        elements.try_fold(list?, |list, element| self.find_extended(list, *element))
    }

    /// The empty list of a key, if the key is known.
    pub(super) fn find_empty(&self, key: u32) -> Option<u32> {
        let root = self.roots.get(key as usize).copied();
        root.filter(|root| *root != NIL)
    }

    /// Whether `start` is a prefix of a list, or equal to it.
    pub(super) fn begins_with(&self, mut list: u32, start: u32) -> bool {
        while self.list(list).length > self.list(start).length {
            list = self.list(list).shorter;
        }
        list == start
    }

    /// Frees the memory that only [`Lists::only_requested`] needs.
    pub(super) fn clear_requested(&mut self) {
        self.requested = NumberMap::default();
    }

    /// By key: the element and the operation of the only append that was requested. `None` if there
    /// are several, or if the operation has no completion.
    pub(super) fn only_requested(&self, keys: usize) -> Vec<Option<(u32, usize)>> {
        let mut alone = vec![None; keys];
        let mut is_known = vec![false; keys];
        for (&(key, element), requested) in &self.requested {
            let key = key as usize;
            let is_first = !std::mem::replace(&mut is_known[key], true);
            alone[key] = (is_first && requested.is_completed).then_some((element, requested.index));
        }
        alone
    }
}
