//! What an object holds that is only ever appended to: a list.
//!
//! All lists that were read from one key make a tree, in which each list hangs below the list
//! without its last element. Where everybody agrees, that is a single path as long as the longest
//! list; a list is one number, its last element is at hand, and reading a list that is known
//! already takes no more than to follow the path.

use std::collections::HashMap;

use crate::element::Element;
use crate::elle::result::Content;
use crate::elle::transactions::{MicroOp, NIL, Numbers, Values, writes};
use history::Pair;

/// All lists that anybody read; number `NIL` is what a key without a list has.
#[derive(Debug)]
pub(crate) struct Lists {
    /// A list stands after all lists that it is longer than.
    lists: Vec<List>,
    /// By key: the empty list.
    roots: Vec<u32>,
    /// By list and element: the list with this element, too, but for the first of its kind.
    longer: HashMap<(u32, u32), u32>,
    /// By key and element: who asked to append it.
    asked: HashMap<(u32, u32), Asked>,
    /// What several operations asked to append: the key, the element, and two of them.
    pub(super) asked_twice: Option<(u32, u32, [usize; 2])>,
}

/// An operation that asked to append something.
#[derive(Debug, Clone, Copy)]
struct Asked {
    index: usize,
    was_answered: bool,
}

/// A list, told by a shorter one.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    pub(super) key: u32,
    /// The list without its last element.
    pub(super) shorter: u32,
    /// Its last element; `NIL` if there is none.
    pub(super) last: u32,
    pub(super) length: u32,
    /// The first list that was read with one element more; `NIL` if there is none.
    longer: u32,
}

impl Default for Lists {
    fn default() -> Self {
        let nothing = List {
            key: NIL,
            shorter: NIL,
            last: NIL,
            length: 0,
            longer: NIL,
        };
        Lists {
            lists: vec![nothing],
            roots: Vec::new(),
            longer: HashMap::new(),
            asked: HashMap::new(),
            asked_twice: None,
        }
    }
}

impl Values for Lists {
    const UNSET: &'static str = "";
    const WRITE: &'static str = "append";
    const STEPS: &'static str = "reads and appends";
    /// A list may be as long as the history: all of them, each in several cases, would be too much.
    const MAX_CASES: usize = 100;

    fn read(&mut self, key: u32, json: &str, elements: &mut Numbers) -> Result<u32, String> {
        if json == "null" {
            return Ok(NIL);
        }
        let list = Element::list(json).map_err(|_| "what was read is no list".to_owned())?;
        let empty = self.empty(key);
        Ok(list
            .into_iter()
            .fold(empty, |list, element| self.longer(list, element, elements)))
    }

    fn ask(&mut self, op: &Pair<'_>, micro_ops: &[MicroOp]) {
        let asked = Asked {
            index: op.invocation.index,
            was_answered: op.completion.is_some(),
        };
        for append in writes(micro_ops) {
            let (key, element) = (append.key, append.value);
            if let Some(earlier) = self.asked.insert((key, element), asked) {
                let both = [earlier.index, asked.index];
                self.asked_twice.get_or_insert((key, element, both));
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
        let place = key as usize;
        if self.roots.len() <= place {
            self.roots.resize(place + 1, NIL);
        }
        if self.roots[place] == NIL {
            self.roots[place] = self.lists.len() as u32;
            self.lists.push(List {
                key,
                ..self.lists[0]
            });
        }
        self.roots[place]
    }

    /// A list with one element more.
    fn longer(&mut self, list: u32, element: Element, elements: &mut Numbers) -> u32 {
        let List {
            key,
            length,
            longer,
            ..
        } = self.lists[list as usize];
        if longer != NIL && *elements.element(self.list(longer).last) == element {
            return longer;
        }
        let last = elements.number(element);
        if let Some(known) = self.find_longer(list, last) {
            return known;
        }
        let new = self.lists.len() as u32;
        self.lists.push(List {
            key,
            shorter: list,
            last,
            length: length + 1,
            longer: NIL,
        });
        if longer == NIL {
            self.lists[list as usize].longer = new;
        } else {
            self.longer.insert((list, last), new);
        }
        new
    }

    /// A list with one element more, if somebody read it.
    fn find_longer(&self, list: u32, element: u32) -> Option<u32> {
        let first = self.list(list).longer;
        if first != NIL && self.list(first).last == element {
            return Some(first);
        }
        self.longer.get(&(list, element)).copied()
    }

    /// A list, by its number.
    pub(super) fn list(&self, number: u32) -> &List {
        &self.lists[number as usize]
    }

    /// All lists with their numbers, each one after those that it is longer than.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = (u32, &List)> {
        (0..self.lists.len() as u32).zip(&self.lists)
    }

    /// How many lists there are.
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

    /// The list that begins with this one and goes on with these elements, if somebody read it.
    pub(super) fn followed(&self, list: Option<u32>, elements: &[u32]) -> Option<u32> {
        let mut elements = elements.iter();
        elements.try_fold(list?, |list, element| self.find_longer(list, *element))
    }

    /// The empty list of a key, if the key is known.
    pub(super) fn find_empty(&self, key: u32) -> Option<u32> {
        let root = self.roots.get(key as usize).copied();
        root.filter(|root| *root != NIL)
    }

    /// Whether a list begins with another one, or is the same.
    pub(super) fn begins_with(&self, mut list: u32, start: u32) -> bool {
        while self.list(list).length > self.list(start).length {
            list = self.list(list).shorter;
        }
        list == start
    }

    /// Gives back what only [`Lists::asked_alone`] needs.
    pub(super) fn forget_asked(&mut self) {
        self.asked = HashMap::new();
    }

    /// By key: the element that anybody asked to append, if there is just one, and who asked. Where
    /// a history ends before an answer, nothing is known.
    pub(super) fn asked_alone(&self, keys: usize) -> Vec<Option<(u32, usize)>> {
        let mut alone = vec![None; keys];
        let mut is_known = vec![false; keys];
        for (&(key, element), asked) in &self.asked {
            let key = key as usize;
            let is_first = !std::mem::replace(&mut is_known[key], true);
            alone[key] = (is_first && asked.was_answered).then_some((element, asked.index));
        }
        alone
    }
}
