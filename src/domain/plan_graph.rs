//! Pictures of a plan: Graphviz, Mermaid, and plain text. They show the plan and decide nothing.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use super::{
    id::TaskId,
    plan::{Plan, Sprint, Task},
};

/// For `dot -Tsvg`.
#[must_use]
pub fn dot(plan: &Plan) -> String {
    let mut out =
        format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box];\n", dot_text(plan.id.as_str()));
    for sprint in &plan.sprints {
        let name = dot_text(&format!("cluster_{}", sprint.id));
        let _ = writeln!(out, "  subgraph {name} {{\n    label={};", dot_text(&heading(sprint)));
        for task in &sprint.tasks {
            let (id, label) = (dot_text(task.id.as_str()), dot_text(&label(task)));
            let _ = writeln!(out, "    {id} [label={label}];");
        }
        out.push_str("  }\n");
    }
    for (from, to) in arrows(plan) {
        let _ = writeln!(out, "  {} -> {};", dot_text(from.as_str()), dot_text(to.as_str()));
    }
    out.push_str("}\n");
    out
}

/// For a Markdown page that draws Mermaid. Names stand in labels only: as identifiers, some of
/// them (`end`) would be words of the language.
#[must_use]
pub fn mermaid(plan: &Plan) -> String {
    let numbers: HashMap<&TaskId, usize> =
        plan.tasks().enumerate().map(|(number, (_, task))| (&task.id, number)).collect();
    let mut out = String::from("flowchart LR\n");
    for (at, sprint) in plan.sprints.iter().enumerate() {
        let _ = writeln!(out, "  subgraph s{at}[\"{}\"]", mermaid_text(&heading(sprint)));
        for task in &sprint.tasks {
            let number = numbers.get(&task.id).copied().unwrap_or_default();
            let _ = writeln!(out, "    t{number}[\"{}\"]", mermaid_text(&label(task)));
        }
        out.push_str("  end\n");
    }
    for (from, to) in arrows(plan) {
        if let (Some(from), Some(to)) = (numbers.get(from), numbers.get(to)) {
            let _ = writeln!(out, "  t{from} --> t{to}");
        }
    }
    out
}

/// For a terminal: each sprint in tiers, where a tier waits for the tiers above it.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let width = plan.tasks().map(|(_, task)| task.id.as_str().len()).max().unwrap_or_default();
    let mut out = String::new();
    for sprint in &plan.sprints {
        let _ = writeln!(out, "{}", heading(sprint));
        for (tier, tasks) in tiers(sprint).iter().enumerate() {
            for (at, task) in tasks.iter().enumerate() {
                let number = if at == 0 { format!("{}.", tier + 1) } else { String::new() };
                let group = task.group.as_ref().map(|g| format!("  [{g}]")).unwrap_or_default();
                let waits: Vec<&str> = task.depends_on.iter().map(TaskId::as_str).collect();
                let waits = if waits.is_empty() {
                    String::new()
                } else {
                    format!("  ← {}", waits.join(", "))
                };
                let _ =
                    writeln!(out, "  {number:>4} {:width$}  {}{group}{waits}", task.id, task.title);
            }
        }
    }
    out
}

/// The tasks of a sprint by how many others of it stand before them in a row.
fn tiers(sprint: &Sprint) -> Vec<Vec<&Task>> {
    let index: HashMap<&TaskId, usize> =
        sprint.tasks.iter().enumerate().map(|(at, task)| (&task.id, at)).collect();
    let mut tier = vec![0; sprint.tasks.len()];
    // A tier can only grow, and by at most one per round, because a plan has no circles.
    for _ in 0..sprint.tasks.len() {
        let mut settled = true;
        for (at, task) in sprint.tasks.iter().enumerate() {
            let before = task.depends_on.iter().filter_map(|id| index.get(id));
            let least = before.map(|&other| tier[other] + 1).max().unwrap_or_default();
            settled &= tier[at] == least;
            tier[at] = least;
        }
        if settled {
            break;
        }
    }
    let mut tiers: BTreeMap<usize, Vec<&Task>> = BTreeMap::new();
    for (task, tier) in sprint.tasks.iter().zip(tier) {
        tiers.entry(tier).or_default().push(task);
    }
    tiers.into_values().collect()
}

fn arrows(plan: &Plan) -> impl Iterator<Item = (&TaskId, &TaskId)> {
    plan.tasks().flat_map(|(_, task)| task.depends_on.iter().map(move |from| (from, &task.id)))
}

fn heading(sprint: &Sprint) -> String {
    format!("{}: {}", sprint.id, sprint.title)
}

fn label(task: &Task) -> String {
    format!("{}: {}", task.id, task.title)
}

fn dot_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn mermaid_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | ';' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan_check::{Draft, DraftSprint, DraftTask, Located, check};

    fn plan() -> Plan {
        let task = |id: &str, title: &str, after: &[&str]| DraftTask {
            depends_on: after.iter().map(|id| Located::new(1, *id)).collect(),
            ..DraftTask::bare(Located::new(1, id), Located::new(1, title))
        };
        let sprint = |id: &str, tasks: Vec<DraftTask>| DraftSprint {
            id: Located::new(1, id),
            title: Located::new(1, "Work"),
            goal: None,
            tasks,
            extra: BTreeMap::new(),
        };
        let first =
            vec![task("end", "say \"<b>\" \\n", &["a"]), task("b", "B", &[]), task("a", "A", &[])];
        let draft = Draft {
            id: Located::new(1, "shop"),
            title: Located::new(1, "Shop"),
            sprints: vec![sprint("s-1", first), sprint("s-2", vec![task("c", "C", &["end", "b"])])],
            extra: BTreeMap::new(),
        };
        check(&draft).unwrap()
    }

    #[test]
    fn a_tier_waits_for_the_tiers_above_it() {
        let expected = "\
s-1: Work
    1. b    B
       a    A
    2. end  say \"<b>\" \\n  ← a
s-2: Work
    1. c    C  ← end, b
";
        assert_eq!(text(&plan()), expected);
    }

    #[test]
    fn labels_cannot_leave_their_quotes_in_graphviz() {
        let expected = "\
digraph \"shop\" {
  rankdir=LR;
  node [shape=box];
  subgraph \"cluster_s-1\" {
    label=\"s-1: Work\";
    \"end\" [label=\"end: say \\\"<b>\\\" \\\\n\"];
    \"b\" [label=\"b: B\"];
    \"a\" [label=\"a: A\"];
  }
  subgraph \"cluster_s-2\" {
    label=\"s-2: Work\";
    \"c\" [label=\"c: C\"];
  }
  \"a\" -> \"end\";
  \"end\" -> \"c\";
  \"b\" -> \"c\";
}
";
        assert_eq!(dot(&plan()), expected);
    }

    #[test]
    fn labels_cannot_leave_their_quotes_in_mermaid() {
        let expected = "\
flowchart LR
  subgraph s0[\"s-1: Work\"]
    t0[\"end: say #34;#60;b#62;#34; #92;n\"]
    t1[\"b: B\"]
    t2[\"a: A\"]
  end
  subgraph s1[\"s-2: Work\"]
    t3[\"c: C\"]
  end
  t2 --> t0
  t0 --> t3
  t1 --> t3
";
        assert_eq!(mermaid(&plan()), expected);
    }
}
