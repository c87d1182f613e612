use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{event, state};
use crate::{
    domain::{
        deletion::{Deleted, Deletion, Mode, Place},
        event::{
            Actor, Cause, Charter, Delivery, Envelope, Event, ProcessMark, PushMode, RefMove,
            StageEnd, StageStart, Trip, Usage, Work,
        },
        finding::{Finding, Severity},
        id::{Digest, ItemId, Oid, StageId, TaskId},
        limits::{BudgetLevel, Limits},
        outcome::{Failure, Outcome, Verdict},
        run::Run,
        testing::{
            charter, envelope,
            world::{script, travel},
        },
        time::{Span, Timestamp},
    },
    store::message::Message,
};

fn oid() -> impl Strategy<Value = Oid> {
    "[0-9a-f]{40}|[0-9a-f]{64}".prop_map(|text| Oid::parse(&text).unwrap())
}

fn item() -> impl Strategy<Value = ItemId> {
    "[a-z0-9]{1,9}".prop_map(|text| ItemId::parse(&text).unwrap())
}

fn stage() -> impl Strategy<Value = StageId> {
    "[a-z0-9]{1,9}".prop_map(|text| StageId::parse(&text).unwrap())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ -~\n\"\\\\]{0,40}"]
}

/// The ends of time included, where the clamps are.
fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), 0..4_000_000_000_000i64].prop_map(Timestamp::from_millis)
}

fn mark() -> impl Strategy<Value = ProcessMark> {
    (any::<u32>(), any::<u64>(), text(), text()).prop_map(|(pid, start, boot, host)| ProcessMark {
        pid,
        start,
        boot,
        host,
    })
}

fn finding() -> impl Strategy<Value = Finding> {
    (text(), select(Severity::ALL.to_vec()), option::of(text()), any::<Option<u32>>(), text())
        .prop_map(|(rule, severity, path, line, message)| Finding {
            rule,
            severity,
            path,
            line,
            message,
        })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Built),
        Just(Outcome::Stopped),
        select(Verdict::ALL.to_vec()).prop_map(Outcome::Judged),
        (select(Failure::ALL.to_vec()), text())
            .prop_map(|(failure, detail)| Outcome::Failed { failure, detail }),
        time().prop_map(|until| Outcome::Held { until }),
        text().prop_map(|why| Outcome::Unavailable { why }),
    ]
}

fn stage_end() -> impl Strategy<Value = StageEnd> {
    let place = (outcome(), oid(), oid(), any::<bool>());
    let said = (vec(finding(), 0..4), any::<u32>(), text(), option::of(text()), any::<u64>());
    (place, said, any::<[u64; 3]>(), any::<bool>()).prop_map(
        |(
            (outcome, head, tree, clean),
            (findings, findings_dropped, summary, report, took),
            usage,
            talked,
        )| {
            let [input_tokens, output_tokens, cost] = usage;
            StageEnd {
                outcome,
                head,
                tree,
                clean,
                findings,
                findings_dropped,
                summary,
                took: Span::from_millis(took),
                usage: Usage { input_tokens, output_tokens, cost },
                report,
                transcript: talked.then(|| Digest::of(b"said")),
            }
        },
    )
}

fn deleted() -> impl Strategy<Value = Deleted> {
    let task = || "[a-z0-9]{1,9}".prop_map(|text| TaskId::parse(&text).unwrap());
    let place = (item(), option::of(item()), option::of(task()), stage(), any::<u32>())
        .prop_map(|(item, sprint, task, stage, cycle)| Place { item, sprint, task, stage, cycle });
    let path = prop_oneof![text().prop_map(String::into_bytes), vec(any::<u8>(), 0..20)];
    let one = (path, 0..0o777_777_u32, oid(), any::<Option<u64>>(), option::of(oid()));
    let one = (one, option::of(place)).prop_map(|((path, mode, oid, size, commit), place)| {
        Deletion { path, mode: Mode(mode), oid, size, commit, place }
    });
    (vec(one, 0..3), any::<u64>()).prop_map(|(kept, more)| Deleted { kept, more })
}

fn cause() -> impl Strategy<Value = Cause> {
    prop_oneof![
        text().prop_map(|reason| Cause::Asked { reason }),
        Just(Cause::Interrupted),
        select(Trip::ALL.to_vec()).prop_map(|trip| Cause::Breaker { trip }),
        text().prop_map(|what| Cause::Budget { what }),
        stage().prop_map(|stage| Cause::FailVerdict { stage }),
        text().prop_map(|why| Cause::AgentUnavailable { why }),
        text().prop_map(|why| Cause::PersonNeeded { why }),
    ]
}

fn delivery() -> impl Strategy<Value = Delivery> {
    prop_oneof![
        (text(), text(), oid()).prop_map(|(remote, branch, commit)| Delivery::Pushed {
            remote,
            branch,
            commit
        }),
        text().prop_map(|why| Delivery::Skipped { why }),
        text().prop_map(|why| Delivery::Refused { why }),
        text().prop_map(|why| Delivery::Failed { why }),
    ]
}

fn a_charter() -> impl Strategy<Value = Charter> {
    let numbers =
        (any::<[u32; 6]>(), any::<[u64; 3]>(), any::<Option<u64>>(), any::<Option<u64>>());
    let modes = select(vec![PushMode::Local, PushMode::Prompt, PushMode::Auto]);
    (numbers, text(), text(), modes).prop_map(|((n, spans, tokens_max, cost_max), a, b, push)| {
        let limits = Limits {
            cycles_max: n[0],
            failures_in_a_row_max: n[1],
            same_finding_max: n[2],
            no_progress_max: n[3],
            plateau_max: n[4],
            calls_per_hour_max: n[5],
            run_time_max: Span::from_millis(spans[0]),
            stage_time_max: Span::from_millis(spans[1]),
            silence_max: Span::from_millis(spans[2]),
            tokens_max,
            cost_max,
        };
        let charter = charter(&["a", "b"], "build review<build", limits);
        Charter { target: a.clone(), base: b.clone(), worktree: a, branch: b, push, ..charter }
    })
}

/// Events about a run, an item and its stages.
fn event_of_work() -> impl Strategy<Value = Event> {
    let levels =
        vec![BudgetLevel::Fine, BudgetLevel::Warn, BudgetLevel::HandOver, BudgetLevel::Stop];
    prop_oneof![
        a_charter().prop_map(|charter| Event::RunCreated(Box::new(charter))),
        (item(), oid(), oid()).prop_map(|(item, head, tree)| Event::ItemStarted {
            item,
            head,
            tree
        }),
        (item(), oid(), oid()).prop_map(|(item, head, tree)| Event::ItemFinished {
            item,
            head,
            tree
        }),
        (item(), stage(), any::<[u32; 2]>(), text(), oid(), oid()).prop_map(
            |(item, stage, [cycle, attempt], agent, head, tree)| {
                Event::StageStarted(StageStart { item, stage, cycle, attempt, agent, head, tree })
            }
        ),
        mark().prop_map(|mark| Event::ProcessStarted { mark }),
        stage_end().prop_map(|end| Event::StageEnded(Box::new(end))),
        text().prop_map(|why| Event::StageLost { why }),
        (item(), stage()).prop_map(|(item, stage)| Event::ItemReopened { item, stage }),
        (oid(), text()).prop_map(|(parent, subject)| Event::CommitAnnounced { parent, subject }),
        text().prop_map(|why| Event::CommitRefused { why }),
        (oid(), oid(), oid(), text(), vec(text(), 0..3), deleted()).prop_map(
            |(commit, parent, tree, subject, left_out, deleted)| {
                Event::WorkCommitted(Work { commit, parent, tree, subject, left_out, deleted })
            }
        ),
        ((oid(), oid(), oid()), any::<u32>(), any::<[bool; 2]>(), deleted()).prop_map(
            |((from, to, tree), commits, [rewritten, clean], deleted)| Event::WorkSeen {
                from,
                to,
                tree,
                commits,
                rewritten,
                clean,
                deleted,
            }
        ),
        (select(levels), text()).prop_map(|(level, what)| Event::BudgetReached { level, what }),
        time().prop_map(|until| Event::CallsHeld { until }),
    ]
}

/// Events about a run as a whole.
fn event_of_state() -> impl Strategy<Value = Event> {
    let ref_move = (text(), option::of(oid()), option::of(oid()))
        .prop_map(|(name, old, new)| RefMove { name, old, new });
    prop_oneof![
        (any::<u64>(), mark())
            .prop_map(|(generation, holder)| Event::LeaseTaken { generation, holder }),
        select(vec![
            Event::JackInBegan,
            Event::RunResumed,
            Event::BreakerReset,
            Event::BreakerClosed,
        ]),
        (text(), vec(ref_move, 0..3))
            .prop_map(|(purpose, moves)| Event::IntentDeclared { purpose, moves }),
        vec(text(), 0..3).prop_map(|conflicts| Event::IntentSettled { conflicts }),
        (oid(), oid()).prop_map(|(head, tree)| Event::RunStarted { head, tree }),
        (oid(), oid()).prop_map(|(head, tree)| Event::RunCompleted { head, tree }),
        (text(), any::<bool>()).prop_map(|(reason, force)| Event::HaltRequested { reason, force }),
        cause().prop_map(|cause| Event::RunHalted { cause }),
        (select(Trip::ALL.to_vec()), text())
            .prop_map(|(trip, evidence)| Event::BreakerOpened { trip, evidence }),
        (text(), text(), oid()).prop_map(|(remote, branch, commit)| Event::DeliveryStarted {
            remote,
            branch,
            commit
        }),
        delivery().prop_map(|outcome| Event::DeliveryEnded { outcome }),
        text().prop_map(|why| Event::RunClosed { why }),
        text().prop_map(|text| Event::Remarked { text }),
    ]
}

fn an_envelope() -> impl Strategy<Value = Envelope> {
    let actor = (text(), option::of(text()), text()).prop_map(|(person, agent, host)| Actor {
        person,
        agent,
        host,
    });
    let event = prop_oneof![event_of_work(), event_of_state()];
    (any::<[u64; 3]>(), time(), actor, event).prop_map(
        |([seq, lamport, lease], at, actor, event)| Envelope {
            seq,
            at,
            lamport,
            actor,
            lease,
            event,
        },
    )
}

/// Puts a field that nobody knows into every object.
fn with_strangers(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(with_strangers);
            fields.insert("zz-stranger".into(), json!({"x": [1, null]}));
        }
        Value::Array(values) => values.iter_mut().for_each(with_strangers),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether the text is canonical: read and written again with sorted keys it is the same.
fn is_canonical(text: &str) -> bool {
    fn sorted(value: &Value) -> String {
        match value {
            Value::Object(fields) => {
                let mut keys: Vec<_> = fields.keys().collect();
                keys.sort();
                let field = |key: &String| format!("{}:{}", json!(key), sorted(&fields[key]));
                format!("{{{}}}", keys.into_iter().map(field).collect::<Vec<_>>().join(","))
            }
            Value::Array(values) => {
                format!("[{}]", values.iter().map(sorted).collect::<Vec<_>>().join(","))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        }
    }
    serde_json::from_str::<Value>(text).is_ok_and(|value| sorted(&value) == text)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_event_is_read_as_it_was_written(envelope in an_envelope()) {
        let line = event::encode(&envelope);
        prop_assert!(is_canonical(&line) && !line.contains('\n'), "{line}");
        prop_assert_eq!(event::decode(&line), Ok(envelope));
    }

    #[test]
    fn fields_that_nobody_knows_are_passed_over(envelope in an_envelope()) {
        let mut line: Value = serde_json::from_str(&event::encode(&envelope)).unwrap();
        with_strangers(&mut line);
        prop_assert_eq!(event::decode(&line.to_string()), Ok(envelope));
    }

    #[test]
    fn nothing_that_is_read_makes_a_decoder_panic(
        bytes in prop_oneof![vec(any::<u8>(), 0..200), any::<String>().prop_map(String::into_bytes)],
        envelope in an_envelope(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut line = event::encode(&envelope).into_bytes();
        let at = at.index(line.len());
        line[at] = byte;
        for bytes in [&bytes, &line] {
            let _ = event::decode(&String::from_utf8_lossy(bytes));
            let _ = state::decode(bytes);
            let _ = Message::parse(bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_that_is_written_down_and_read_at_any_event_goes_on_as_if_nothing_had_been(
        script in script(),
        cut in any::<prop::sample::Index>(),
    ) {
        let journey = travel(&script);
        let lines: Vec<String> = journey.written.iter().map(event::encode).collect();
        let cut = cut.index(lines.len());
        let mut run = Run::begin(&event::decode(&lines[0]).unwrap()).unwrap();
        for (at, line) in lines.iter().enumerate().skip(1) {
            run.apply(&event::decode(line).unwrap()).unwrap();
            let text = state::encode(&run);
            prop_assert!(is_canonical(&text));
            let read = state::decode(text.as_bytes()).unwrap();
            prop_assert_eq!(&read, &run);
            if at == cut {
                run = read;
            }
        }
        prop_assert_eq!(run, journey.run);
    }
}

#[test]
fn an_event_that_a_newer_version_wrote_is_shown_as_such() {
    let at = Timestamp::from_millis(1_800_000_000_000);
    let line = event::encode(&envelope(1, at, 0, Event::JackInBegan));
    for (change, kind) in [
        (("\"jack-in-began\"", "\"moon-landed\""), "moon-landed"),
        (("\"v\":1", "\"v\":2"), "jack-in-began"),
    ] {
        let line = line.replace(change.0, change.1);
        assert_eq!(event::decode(&line).unwrap().event, Event::Newer { kind: kind.into() });
    }
}

#[test]
fn the_longest_event_that_a_stage_can_end_with_can_be_read_again() {
    use crate::domain::{
        finding::FINDINGS_MAX,
        testing::{ended, finding},
    };
    // A control character takes six bytes in JSON.
    let worst = Finding {
        rule: "\u{1}".repeat(1000),
        path: Some("\u{1}".repeat(1000)),
        ..finding(&"\u{1}".repeat(1000))
    };
    let findings = vec![worst.bounded(); FINDINGS_MAX];
    let end = ended(Outcome::Judged(Verdict::Revise), 1, findings);
    let written = envelope(1, Timestamp::default(), 0, Event::StageEnded(Box::new(end)));
    assert_eq!(event::decode(&event::encode(&written)), Ok(written));
}

#[test]
fn the_longest_list_of_deletions_leaves_half_an_event_and_fits_into_a_note() {
    use crate::{
        domain::deletion::{DELETED_KEPT_MAX, DELETED_PATH_BYTES_MAX},
        store::notes::NOTE_BYTES_MAX,
    };
    let name = "x".repeat(64);
    let place = Place {
        item: ItemId::parse(&name).unwrap(),
        sprint: Some(ItemId::parse(&name).unwrap()),
        task: Some(TaskId::parse(&name).unwrap()),
        stage: StageId::parse(&name).unwrap(),
        cycle: u32::MAX,
    };
    let id = Oid::parse(&"a".repeat(64)).unwrap();
    // A control character takes six bytes in JSON, and two more in hex beside what is no UTF-8.
    let mut path = vec![1; DELETED_PATH_BYTES_MAX / DELETED_KEPT_MAX];
    path[0] = 0xff;
    let worst = Deletion {
        path,
        mode: Mode(0o160_000),
        oid: id.clone(),
        size: Some(u64::MAX),
        commit: Some(id.clone()),
        place: Some(place),
    };
    let deleted = Deleted::bounded(vec![worst; DELETED_KEPT_MAX + 1]);
    assert_eq!((deleted.kept.len(), deleted.more), (DELETED_KEPT_MAX, 1));
    let work = Work {
        commit: id.clone(),
        parent: id.clone(),
        tree: id,
        subject: String::new(),
        left_out: Vec::new(),
        deleted,
    };
    let written = envelope(1, Timestamp::default(), 0, Event::WorkCommitted(work));
    let line = event::encode(&written);
    assert!((line.len() as u64) < NOTE_BYTES_MAX, "{}", line.len());
    assert_eq!(event::decode(&line), Ok(written));
}
