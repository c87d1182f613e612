//! The layers of the guard, for people and for scripts.

use serde_json::{Value, json};

use super::sanitise::one_line;
use crate::domain::layer::{Layer, Standing};

/// Whether nothing is broken.
#[must_use]
pub fn is_sound(layers: &[Layer]) -> bool {
    layers.iter().all(|layer| layer.standing < Standing::Broken)
}

/// One line for each.
#[must_use]
pub fn text(layers: &[Layer]) -> String {
    let line = |layer: &Layer| {
        let next = layer.next.as_ref().map_or(String::new(), |next| format!("; next: {next}"));
        let said = one_line(&format!("{}{next}", layer.says));
        format!("{:<8} {:<18} {said}\n", layer.standing.word(), layer.name)
    };
    layers.iter().map(line).collect()
}

#[must_use]
pub fn json(layers: &[Layer]) -> Value {
    let layer = |layer: &Layer| {
        json!({
            "layer": layer.name,
            "state": layer.standing.word(),
            "says": layer.says,
            "next": layer.next,
        })
    };
    json!({
        "schema": "git-run/doctor/1",
        "ok": is_sound(layers),
        "layers": layers.iter().map(layer).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layer_is_one_line_and_one_that_is_broken_spoils_it() {
        let layers = [
            Layer::ok("git", "2.47"),
            Layer::new("hooks", Standing::Open, "a\nb\u{202e}").next("git run hooks install"),
        ];
        let lines = "ok       git                2.47\n\
                     open     hooks              a b; next: git run hooks install\n";
        assert_eq!(text(&layers), lines);
        assert!(is_sound(&layers));
        assert!(!is_sound(&[Layer::new("x", Standing::Broken, "")]));
        assert_eq!(json(&layers)["layers"][1]["state"], "open");
    }
}
