//! Strongly connected components, by Tarjan's algorithm ("Depth-First Search and Linear Graph
//! Algorithms" (1972)), with an explicit stack instead of recursion, since histories make long
//! paths.
//!
//! The graph is one list of targets, sorted by source: four bytes per edge and sixteen per node.

/// The numbers of a node that was not visited yet, and of one whose component is complete.
const UNSEEN: u32 = u32::MAX;
const DONE: u32 = u32::MAX - 1;

/// The components of two or more nodes, each in order. Iterates over `edges` twice.
pub(super) fn strongly_connected(
    nodes: usize,
    edges: impl Iterator<Item = (u32, u32)> + Clone,
) -> Vec<Vec<u32>> {
    let (first, ends, targets) = adjacency(nodes, edges);
    let mut search = Search {
        left: ends,
        numbers: vec![UNSEEN; nodes],
        lowest: vec![0; nodes],
        visited: 0,
        open: Vec::new(),
        path: Vec::new(),
        components: Vec::new(),
    };
    for root in 0..nodes as u32 {
        if search.numbers[root as usize] == UNSEEN {
            search.visit(root);
        }
        while let Some(&node) = search.path.last() {
            let left = &mut search.left[node as usize];
            if *left == first[node as usize] {
                search.leave(node);
                continue;
            }
            *left -= 1;
            let target = targets[*left as usize];
            match search.numbers[target as usize] {
                UNSEEN => search.visit(target),
                DONE => {}
                number => search.lower(node, number),
            }
        }
    }
    search.components
}

/// For each node the begin and the end of its targets, and all targets.
fn adjacency(
    nodes: usize,
    edges: impl Iterator<Item = (u32, u32)> + Clone,
) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let mut first = vec![0_u32; nodes + 1];
    for (from, _) in edges.clone() {
        first[from as usize + 1] += 1;
    }
    for node in 0..nodes {
        first[node + 1] += first[node];
    }
    let mut targets = vec![0; first[nodes] as usize];
    let mut free = first.clone();
    for (from, to) in edges {
        let at = &mut free[from as usize];
        targets[*at as usize] = to;
        *at += 1;
    }
    (first, free, targets)
}

struct Search {
    /// By node: the end of its edges that are still to follow.
    left: Vec<u32>,
    /// By node: its number in the order of visits.
    numbers: Vec<u32>,
    /// By node: the lowest number of an open node that it leads to, as far as known.
    lowest: Vec<u32>,
    visited: u32,
    /// Nodes whose component is not complete.
    open: Vec<u32>,
    /// Nodes whose edges are being followed.
    path: Vec<u32>,
    components: Vec<Vec<u32>>,
}

impl Search {
    fn visit(&mut self, node: u32) {
        self.numbers[node as usize] = self.visited;
        self.lowest[node as usize] = self.visited;
        self.visited += 1;
        self.open.push(node);
        self.path.push(node);
    }

    fn lower(&mut self, node: u32, number: u32) {
        let lowest = &mut self.lowest[node as usize];
        *lowest = number.min(*lowest);
    }

    /// All edges of the last node of the path were followed.
    fn leave(&mut self, node: u32) {
        self.path.pop();
        let lowest = self.lowest[node as usize];
        if let Some(&before) = self.path.last() {
            self.lower(before, lowest);
        }
        if lowest < self.numbers[node as usize] {
            return;
        }
        let start = self.open.iter().rposition(|it| *it == node).unwrap_or(0);
        for member in &self.open[start..] {
            self.numbers[*member as usize] = DONE;
        }
        if self.open.len() - start > 1 {
            let mut component = self.open[start..].to_vec();
            component.sort_unstable();
            self.components.push(component);
        }
        self.open.truncate(start);
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::strongly_connected;

    fn check(nodes: usize, edges: &[(u32, u32)], expected: &[&[u32]]) {
        let mut found = strongly_connected(nodes, edges.iter().copied());
        found.sort();
        assert_eq!(found, expected, "{edges:?}");
    }

    #[test]
    fn components_of_one_node_do_not_count() {
        check(0, &[], &[]);
        check(3, &[(0, 1), (1, 2), (0, 2), (2, 2)], &[]);
        check(3, &[(0, 1), (1, 0), (1, 2)], &[&[0, 1]]);
        check(
            6,
            &[(5, 3), (3, 4), (4, 5), (0, 1), (1, 0), (1, 3)],
            &[&[0, 1], &[3, 4, 5]],
        );
    }

    #[test]
    fn a_path_of_a_million_nodes_does_not_overflow_the_stack() {
        let circle = (0..1_000_000).map(|node| (node, (node + 1) % 1_000_000));
        assert_eq!(strongly_connected(1_000_000, circle)[0].len(), 1_000_000);
    }

    #[test]
    fn two_nodes_share_a_component_if_each_leads_to_the_other() {
        let mut rng = rand::rngs::ChaCha8Rng::seed_from_u64(5);
        for _ in 0..500 {
            let nodes = rng.random_range(1..9_u32);
            let mut leads = vec![vec![false; nodes as usize]; nodes as usize];
            let edges: Vec<(u32, u32)> = (0..rng.random_range(0..14))
                .map(|_| (rng.random_range(0..nodes), rng.random_range(0..nodes)))
                .collect();
            for &(from, to) in &edges {
                leads[from as usize][to as usize] = true;
            }
            for by in 0..nodes as usize {
                for from in 0..nodes as usize {
                    for to in 0..nodes as usize {
                        leads[from][to] |= leads[from][by] && leads[by][to];
                    }
                }
            }
            let found = strongly_connected(nodes as usize, edges.iter().copied());
            for one in 0..nodes {
                for other in (0..nodes).filter(|other| *other != one) {
                    let [at, to] = [one, other].map(|it| it as usize);
                    let shares = |it: &&Vec<u32>| it.contains(&one) && it.contains(&other);
                    let together = found.iter().any(|it| shares(&it));
                    assert_eq!(together, leads[at][to] && leads[to][at], "{edges:?}");
                }
            }
        }
    }
}
