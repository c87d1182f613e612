//! How near two words are, for `did you mean`. It suggests; it never corrects anything by itself.

/// Typing mistakes between two words: insertions, deletions, replacements and swapped neighbours.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if 1 < i && 1 < j && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// The candidate that `word` was most likely meant to be, if any is near enough to say so:
/// one mistake in three letters, two in six, none in a shorter word. Case and the separators
/// `-` and `_` are no mistakes.
#[must_use]
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let plain = folded(word);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = folded(candidate);
            let allowed = (other.len().min(plain.len()) / 3).min(2);
            if plain.len().abs_diff(other.len()) > allowed * 4 {
                return None;
            }
            let mistakes = distance(&plain, &other);
            (mistakes <= allowed).then_some((mistakes, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

fn folded(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_of_neighbours_is_one_mistake() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("title", "titel", 1),
            ("acceptance", "acceptence", 1),
            ("kitten", "sitting", 3),
            ("é", "e", 1),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn a_short_word_is_not_near_to_everything() {
        let known = ["id", "title", "goal", "acceptance", "depends_on", "writes"];
        for (word, expected) in [
            ("acceptence", Some("acceptance")),
            ("dependsOn", Some("depends_on")),
            ("depends-on", Some("depends_on")),
            ("Titel", Some("title")),
            ("ID", Some("id")),
            ("pr", None),
            ("kid", None),
            ("type", None),
            ("priority", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word:?}");
        }
    }
}
