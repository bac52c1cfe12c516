//! Dice for storms: bad weather, and cuts of all kinds.

use super::{Network, Weather, lin_kv};
use crate::node::Node;
use crate::rng::Rng;

impl Weather {
    /// Any weather: messages may be seconds late, lost and doubled, in any combination.
    pub fn draw(rng: &mut Rng) -> Self {
        let shortest = rng.below(200);
        Weather {
            latency: (shortest, shortest + rng.below(2) * rng.below(3000)),
            loss: rng.below(2) * rng.below(60),
            doubled: rng.below(2) * rng.below(30),
        }
    }
}

impl<N: Node> Network<N> {
    /// One of the cluster.
    pub fn any_node(&self, rng: &mut Rng) -> String {
        self.names[rng.below(self.names.len() as u64) as usize].clone()
    }

    /// Those of the cluster that were killed and not started since.
    pub fn dead(&self) -> Vec<String> {
        let is_dead = |name: &&String| !self.nodes.contains_key(*name);
        self.names.iter().filter(is_dead).cloned().collect()
    }

    /// Those who are dead come back; their names.
    pub fn start_the_dead(&mut self) -> Vec<String> {
        let dead = self.dead();
        for name in &dead {
            self.restart(name);
        }
        dead
    }

    /// One of the cluster dies, after those who were dead have come back; or, now and then, all die
    /// at once. The names of the victims.
    pub fn kill_some(&mut self, rng: &mut Rng) -> Vec<String> {
        let all_at_once = rng.below(4) == 0;
        if !all_at_once {
            self.start_the_dead();
        }
        let one = self.any_node(rng);
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

    /// Some node does not hear the service, or is not heard by it, until cuts are made anew.
    pub fn cut_off_the_service(&mut self, rng: &mut Rng) {
        let (node, service) = (self.any_node(rng), lin_kv::NAME.to_owned());
        self.cuts.insert(match rng.below(2) {
            0 => (node, service),
            _ => (service, node),
        });
    }

    /// Parts some nodes from the others, or one direction of some ways, or nobody.
    pub fn part(&mut self, rng: &mut Rng) {
        self.cuts.clear();
        let kind = rng.below(4);
        let sides: Vec<bool> = self.names.iter().map(|_| rng.below(2) == 0).collect();
        for (src, src_side) in self.names.iter().zip(&sides) {
            for (dest, dest_side) in self.names.iter().zip(&sides) {
                let is_cut = match kind {
                    0 => false,
                    1 => rng.below(4) == 0,
                    _ => src_side != dest_side,
                };
                if is_cut {
                    self.cuts.insert((src.clone(), dest.clone()));
                }
            }
        }
    }
}

/// The most edges between two of so many nodes, in a tree where the node at index i is the parent
/// of those at f·i + 1 … f·i + f, with f the fan-out.
pub fn most_hops(nodes: usize, fan_out: usize) -> u32 {
    let (mut last, mut depth) = (nodes.saturating_sub(1), 0);
    while last > 0 {
        last = (last - 1) / fan_out;
        depth += 1;
    }
    // The last node is the deepest; under another child of the root it is as deep or one less.
    if fan_out == 1 { depth } else { 2 * depth }
}
