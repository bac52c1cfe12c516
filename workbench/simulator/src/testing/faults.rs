//! Random faults: kills, partitions and cuts.

use shared::{Node, Rng};

use super::TestCluster;

/// The service that stores the journals of durable nodes.
const LIN_KV: &str = "lin-kv";

impl<N: Node> TestCluster<N> {
    /// Draws one of [`names`](TestCluster::names).
    pub fn random_node(&self, rng: &mut Rng) -> String {
        self.names[rng.below(self.names.len() as u64) as usize].clone()
    }

    /// The [`names`](TestCluster::names) of dead nodes.
    pub fn dead(&self) -> Vec<String> {
        let names = self.names.iter().filter(|name| !self.is_up(name));
        names.cloned().collect()
    }

    /// Restarts all dead nodes, and returns their names.
    pub fn restart_dead(&mut self) -> Vec<String> {
        let dead = self.dead();
        for name in &dead {
            self.restart(name);
        }
        dead
    }

    /// Restarts all dead nodes and kills one; or, one time in four, kills all nodes at once.
    /// Returns the names of the killed nodes.
    pub fn restart_and_kill(&mut self, rng: &mut Rng) -> Vec<String> {
        let all_at_once = rng.below(4) == 0;
        if !all_at_once {
            self.restart_dead();
        }
        let one = self.random_node(rng);
        let victims = if all_at_once {
            self.names.clone()
        } else {
            vec![one]
        };
        for name in &victims {
            self.kill(name);
        }
        victims
    }

    /// Cuts one node off from lin-kv, in one direction.
    pub fn cut_off_service(&mut self, rng: &mut Rng) {
        let node = self.random_node(rng);
        match rng.below(2) {
            0 => self.cut_one_way(&node, LIN_KV),
            _ => self.cut_one_way(LIN_KV, &node),
        }
    }

    /// Replaces all cuts by random ones: two sides that are cut off from each other, or single
    /// directions between nodes, or none.
    pub fn partition(&mut self, rng: &mut Rng) {
        self.heal();
        let kind = rng.below(4);
        let names = self.names.clone();
        let sides: Vec<bool> = names.iter().map(|_| rng.below(2) == 0).collect();
        for (src, src_side) in names.iter().zip(&sides) {
            for (dest, dest_side) in names.iter().zip(&sides) {
                let is_cut = match kind {
                    0 => false,
                    1 => rng.below(4) == 0,
                    _ => src_side != dest_side,
                };
                if is_cut {
                    self.cut_one_way(src, dest);
                }
            }
        }
    }
}

/// The maximum number of edges between two of `nodes` nodes, in a tree where the node at index i is
/// the parent of those at f·i + 1 … f·i + f, with f the fan-out.
pub fn max_hops(nodes: usize, fan_out: usize) -> u32 {
    let (mut last, mut depth) = (nodes.saturating_sub(1), 0);
    while last > 0 {
        last = (last - 1) / fan_out;
        depth += 1;
    }
    // The last node is the deepest; the subtrees of other children of the root are as deep or one
    // less.
    if fan_out == 1 { depth } else { 2 * depth }
}
