//! Circles in who waits for whom. It names them, and never breaks one.

/// Circles that share no node, each from its first node on: enough to see every knot, where the
/// number of all circles would have no bound. `edges` leads from each node to those it waits for.
#[must_use]
pub fn circles(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    const DONE: usize = usize::MAX - 1;
    let mut depth = vec![NEW; edges.len()];
    let mut told = vec![false; edges.len()];
    let mut found = Vec::new();
    for root in 0..edges.len() {
        if depth[root] != NEW {
            continue;
        }
        let mut path = vec![(root, 0)];
        depth[root] = 0;
        while let Some((node, next)) = path.last_mut() {
            let Some(&to) = edges[*node].get(*next) else {
                depth[*node] = DONE;
                path.pop();
                continue;
            };
            *next += 1;
            match depth[to] {
                DONE => {}
                NEW => {
                    depth[to] = path.len();
                    path.push((to, 0));
                }
                start => {
                    let cycle: Vec<usize> = path[start..].iter().map(|(node, _)| *node).collect();
                    if !cycle.iter().any(|node| told[*node]) {
                        cycle.iter().for_each(|node| told[*node] = true);
                        found.push(from_the_first(cycle));
                    }
                }
            }
        }
    }
    found
}

fn from_the_first(mut cycle: Vec<usize>) -> Vec<usize> {
    let first = (0..cycle.len()).min_by_key(|&at| cycle[at]).unwrap_or(0);
    cycle.rotate_left(first);
    cycle
}
