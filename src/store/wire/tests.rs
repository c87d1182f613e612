use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{FORMAT, event, state};
use crate::{
    domain::{
        deletion::{Deleted, Deletion, Mode, Scene},
        drift::Follows,
        event::{
            Actor, Adoption, Answer, Answered, Approval, Asked, Cause, Charter, Delivery, Envelope,
            Event, GateOverride, Home, Inference, PaperRef, Place, PlanSynced, ProcessMark,
            PushMode, Reconciled, RefMove, Rollback, RollbackKind, StageEnd, StageStart,
            SyncedItem, SyncedTask, Trip, Usage, Word, Work,
        },
        finding::{Finding, Severity},
        fix::{Fix, FixId, FixType},
        gate::Gate,
        id::{Digest, ItemId, Oid, StageId, TaskId},
        lane::{Groups, Lane, LaneEnd, LaneStart, Left, Phase, Saved},
        limits::{BudgetLevel, Limits},
        outcome::{Failure, Outcome, Verdict},
        reconcile::Strength,
        run::{
            Breaker, Run,
            assumed::{Promoted, Scan},
        },
        source::Document,
        testing::{
            charter, envelope,
            world::{script, travel},
        },
        time::{Span, Timestamp},
        workflow::{Duty, Exhausted, Missing, Need, Part, StageShape, Tries},
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
        text().prop_map(|why| Outcome::Blocked { why }),
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
                papers: if talked { vec![a_paper()] } else { Vec::new() },
                assumed: if talked { vec!["error-format".to_owned()] } else { Vec::new() },
            }
        },
    )
}

fn a_paper() -> PaperRef {
    let (name, path) = ("plan.md".to_owned(), "artifacts/a/0001-plan/plan.md".to_owned());
    PaperRef { name, path, digest: Digest::of(b"paper") }
}

fn deleted() -> impl Strategy<Value = Deleted> {
    let task = || "[a-z0-9]{1,9}".prop_map(|text| TaskId::parse(&text).unwrap());
    let place = (item(), option::of(item()), option::of(task()), stage(), any::<u32>())
        .prop_map(|(item, sprint, task, stage, cycle)| Scene { item, sprint, task, stage, cycle });
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
        (item(), stage()).prop_map(|(item, stage)| Cause::Approval { item, stage }),
        (item(), stage()).prop_map(|(item, stage)| Cause::TriesUsed { item, stage }),
        (item(), stage(), text()).prop_map(|(item, stage, why)| Cause::Rejected {
            item,
            stage,
            why
        }),
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

fn a_shape(number: u32, why: String) -> StageShape {
    let duty = Duty::ALL[number as usize % Duty::ALL.len()];
    let odd = number % 2 == 1;
    StageShape {
        part: Part::ALL[number as usize % Part::ALL.len()],
        on_return: odd,
        momentary: !odd,
        tries: Some(Tries {
            max: number,
            then: Exhausted::ALL[number as usize % Exhausted::ALL.len()],
        }),
        optional: odd,
        apart: !odd,
        needs: vec![Need::Paper("plan.md".into()), Need::File(why.clone())],
        missing: if odd { Missing::Skip } else { Missing::Halt },
        answer_within: odd.then_some(Span::from_millis(u64::from(number))),
        skipped: odd.then_some(why),
        ..StageShape::plain(StageId::parse("more").unwrap(), duty, None)
    }
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
        let mut charter = charter(&["a", "b"], "build review<build", limits);
        if n[0] % 2 == 0 {
            charter.stages.push(a_shape(n[1], b.clone()));
            charter.flow = Some(a.clone());
            charter.papers.push(a_paper());
            charter.after.insert(charter.items[1].clone(), vec![charter.items[0].clone()]);
            charter.groups = Groups { parallel: n[2], items: vec![charter.items.clone()] };
        }
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
        word(),
        (item(), stage(), text()).prop_map(|(item, stage, why)| Event::StageSkipped {
            item,
            stage,
            why
        }),
        vec(item(), 0..3).prop_map(|items| Event::ItemsReverified { items }),
        (any::<[u32; 3]>(), vec(("[a-z-]{1,9}", any::<u32>()), 0..3)).prop_map(
            |([finished, assumed, kinds], promoted)| {
                let promoted = promoted.into_iter();
                let promoted = promoted.map(|(kind, count)| Promoted { kind, count }).collect();
                Event::AssumptionsScanned(Scan { finished, assumed, kinds, promoted })
            }
        ),
        fix().prop_map(|fix| Event::FixAsked(Box::new(fix))),
        (item(), stage(), text()).prop_map(|(item, stage, why)| Event::StageReopened {
            item,
            stage,
            why
        }),
    ]
}

fn fix() -> impl Strategy<Value = Fix> {
    let id = option::of((1_u32..5000).prop_map(|number| FixId::parse(&format!("F-{number}"))));
    (id, option::of(select(FixType::ALL.to_vec())), item(), finding())
        .prop_map(|(id, of, item, finding)| Fix { id: id.flatten(), of, item, finding })
}

/// What a person is asked, and what they say.
fn word() -> impl Strategy<Value = Event> {
    let asked = (item(), stage(), oid(), oid(), option::of(time())).prop_map(
        |(item, stage, head, tree, until)| {
            Event::ApprovalAsked(Box::new(Asked { item, stage, head, tree, until }))
        },
    );
    let words = select(Word::ALL.to_vec());
    let said = (words, text(), option::of(stage()), option::of(text()));
    let given = ((item(), stage(), oid(), oid()), said).prop_map(
        |((item, stage, head, tree), (word, text, skip, signed))| {
            let approval = Approval { item, stage, head, tree, word, text, skip, signed };
            Event::ApprovalGiven(Box::new(approval))
        },
    );
    prop_oneof![asked, given]
}

fn rollback() -> impl Strategy<Value = Rollback> {
    let place = prop_oneof![
        Just(Place::Unknown),
        Just(Place::Start),
        (item(), stage()).prop_map(|(item, stage)| Place::At { item, stage }),
    ];
    let how = select(RollbackKind::ALL.to_vec());
    let undone = vec(item(), 0..3);
    (how, any::<[u64; 2]>(), [oid(), oid(), oid()], place, undone, option::of(text())).prop_map(
        |(how, [to, saved], [commit, head, tree], place, undone, report)| Rollback {
            how,
            to,
            commit,
            saved,
            head,
            tree,
            place,
            undone,
            report,
        },
    )
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
        (any::<u64>(), oid(), oid(), text()).prop_map(|(number, commit, tree, why)| {
            Event::CheckpointMade { number, commit, tree, why }
        }),
        rollback().prop_map(|back| Event::RolledBack(Box::new(back))),
        (item(), stage(), [oid(), oid()], text(), option::of(text())).prop_map(
            |(item, stage, [commit, tree], reason, signed)| {
                let gate = Gate { item, stage };
                Event::GateOverridden(Box::new(GateOverride { gate, commit, tree, reason, signed }))
            }
        ),
        (text(), text()).prop_map(|(title, path)| Event::PullRequestWritten { title, path }),
        (text(), any::<bool>()).prop_map(|(url, made)| Event::PullRequestOpened { url, made }),
        (text(), text(), option::of(text()), option::of(text())).prop_map(
            |(worktree, clone, from, reason)| {
                let home = Home { worktree, clone };
                Event::RunAdopted(Box::new(Adoption { home, from, reason }))
            }
        ),
        reconciled(),
        synced(),
        lane_event(),
    ]
}

fn lane_event() -> impl Strategy<Value = Event> {
    let start = (item(), stage(), text(), oid(), text(), option::of(mark())).prop_map(
        |(item, stage, agent, base, worktree, process)| {
            let start = LaneStart { item, stage, agent, base, worktree, process };
            Event::LaneStarted(Box::new(start))
        },
    );
    let saved = (any::<u64>(), oid()).prop_map(|(number, commit)| Saved { number, commit });
    let end = (item(), stage_end(), option::of(saved))
        .prop_map(|(item, end, saved)| Event::LaneEnded(Box::new(LaneEnd { item, end, saved })));
    prop_oneof![
        start,
        end,
        (item(), oid(), oid()).prop_map(|(item, head, tree)| Event::LaneJoined {
            item,
            head,
            tree
        }),
        (item(), text(), vec(finding(), 0..3))
            .prop_map(|(item, why, findings)| Event::LaneDropped { item, why, findings }),
    ]
}

fn a_lane() -> impl Strategy<Value = Lane> {
    let saved = (any::<u64>(), oid()).prop_map(|(number, commit)| Saved { number, commit });
    let left = (any::<[bool; 2]>(), oid(), option::of(saved)).prop_map(
        |([built, stopped], tree, saved)| Left {
            built,
            stopped,
            tree,
            saved,
            papers: if built { vec![a_paper()] } else { Vec::new() },
        },
    );
    let phase = (0..5u8, left, oid(), text()).prop_map(|(kind, left, tree, why)| match kind {
        0 => Phase::Working,
        1 => Phase::Ended(left),
        2 => Phase::Joining { left, tree },
        3 => Phase::Joined(left),
        _ => Phase::Dropped { why, left },
    });
    let names = (item(), stage(), text(), oid(), text(), option::of(mark()));
    (names, phase).prop_map(|((item, stage, agent, base, worktree, process), phase)| Lane {
        item,
        stage,
        agent,
        base,
        worktree,
        process,
        phase,
    })
}

fn reconciled() -> impl Strategy<Value = Event> {
    let inference = (item(), select(Strength::ALL.to_vec()), vec(oid(), 0..3))
        .prop_map(|(item, strength, commits)| Inference { item, strength, commits });
    let answered =
        (item(), select(Answer::ALL.to_vec())).prop_map(|(item, answer)| Answered { item, answer });
    (text(), [oid(), oid()], vec(inference, 0..3), vec(answered, 0..3)).prop_map(
        |(base, [head, tree], items, answers)| {
            Event::Reconciled(Box::new(Reconciled { base, head, tree, items, answers }))
        },
    )
}

fn synced() -> impl Strategy<Value = Event> {
    let follows = || select(Follows::ALL.to_vec());
    let digest = || text().prop_map(|text| Digest::of(text.as_bytes()));
    let document = (text(), digest()).prop_map(|(path, hash)| Document { path, hash });
    let task = (item(), follows(), digest(), option::of(digest())).prop_map(
        |(item, follows, old, new)| {
            let task = TaskId::parse(item.as_str()).unwrap();
            SyncedTask { task, follows, old, new }
        },
    );
    let of_item = (item(), follows()).prop_map(|(item, follows)| SyncedItem { item, follows });
    let lists = (vec(document, 0..3), vec(task, 0..3), vec(of_item, 0..3));
    (text(), digest(), lists).prop_map(|(path, plan_digest, (documents, tasks, items))| {
        Event::PlanSynced(Box::new(PlanSynced { path, plan_digest, documents, tasks, items }))
    })
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
        lanes in vec(a_lane(), 0..4),
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
        prop_assert_eq!(&run, &journey.run);
        run.lanes = lanes;
        prop_assert_eq!(state::decode(state::encode(&run).as_bytes()), Ok(run));
    }
}

#[test]
fn an_event_that_a_newer_version_wrote_is_shown_as_such() {
    let at = Timestamp::from_millis(1_800_000_000_000);
    let line = event::encode(&envelope(1, at, 0, Event::JackInBegan));
    let (own, newer) = (format!("\"v\":{FORMAT}"), format!("\"v\":{}", FORMAT + 1));
    for (change, kind) in [
        (("\"jack-in-began\"", "\"moon-landed\""), "moon-landed"),
        ((own.as_str(), newer.as_str()), "jack-in-began"),
    ] {
        let line = line.replace(change.0, change.1);
        assert_eq!(event::decode(&line).unwrap().event, Event::Newer { kind: kind.into() });
    }
}

/// An event and a state as format 1 had them. They are never changed.
const EVENT_1: &str = r#"{"actor":{"host":"forge","person":"Ada <ada@example.com>"},"at":"2026-11-21T03:52:33.123Z","data":{"commit":"a3c1f0d29b8e47560f1e2d3c4b5a69788796a5b4","left_out":[".env"],"parent":"0f1e2d3c4b5a69788796a5b4a3c1f0d29b8e4756","subject":"feat(sprint-1): implement sprint-1","tree":"4b825dc642cb6eb9a060e54bf8d69288fbee4904"},"event":"work-committed","lamport":15,"lease":1,"seq":15,"v":1}"#;
const STATE_1: &str = r#"{"at":"2026-11-21T03:52:33.123Z","began":"2026-11-21T03:52:33.123Z","breaker":{"cycle":2,"kind":"half-open","open":1},"budget":"fine","calls":["2026-11-21T03:52:33.123Z"],"calls_total":1,"charter":{"base":"main","branch":"feature/sprint-1","items":["sprint-1"],"limits":{"calls_per_hour_max":100,"cost_max_micros":null,"cycles_max":20,"failures_in_a_row_max":3,"no_progress_max":5,"plateau_max":4,"run_time_max_ms":28800000,"same_finding_max":3,"silence_max_ms":0,"stage_time_max_ms":7200000,"tokens_max":null},"plan":"p","plan_digest":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","push":"local","run":"20261121-035233-7f3a9c12d4","stages":[{"back_to":null,"id":"implement"},{"back_to":"implement","id":"review"}],"start":"0f1e2d3c4b5a69788796a5b4a3c1f0d29b8e4756","target":"sprint-1","workflow":"sprint","worktree":"/home/ada/project"},"clock":"2026-11-21T03:52:33.123Z","commits":0,"counted":"2026-11-21T03:52:33.123Z","delivering":false,"delivery":null,"format":1,"halt":null,"halt_request":null,"head":"0f1e2d3c4b5a69788796a5b4a3c1f0d29b8e4756","held_until":null,"holder":{"boot":"0b1c4a52-6d3e-4f1a-9d57-0c9b8a7f6e5d","host":"forge","pid":4711,"start":188211},"intent":null,"items":[{"id":"sprint-1","progress":{"attempt":1,"builders":["claude"],"committing":null,"counters":{"cycle_tree":"4b825dc642cb6eb9a060e54bf8d69288fbee4904","failures":0,"fewest":1,"last_failure":null,"seen":{"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08":2},"since_fewest":1,"spent":1,"unchanged":0},"cycle":2,"cycles":[{"changed":true,"cycle":1,"findings":1,"stage":"review"}],"findings":[{"line":12,"message":"the error is dropped","path":"src/a.rs","rule":"unchecked-error","severity":"high"}],"kind":"active","passed":[{"agent":"claude","head":"0f1e2d3c4b5a69788796a5b4a3c1f0d29b8e4756","stage":"review","tree":"4b825dc642cb6eb9a060e54bf8d69288fbee4904","verdict":"pass"}],"phase":{"agent":"claude","head":"0f1e2d3c4b5a69788796a5b4a3c1f0d29b8e4756","kind":"working","process":{"boot":"0b1c4a52-6d3e-4f1a-9d57-0c9b8a7f6e5d","host":"forge","pid":4711,"start":188211},"since":"2026-11-21T03:52:33.123Z","tree":"4b825dc642cb6eb9a060e54bf8d69288fbee4904"},"refused":false,"reopened_from":null,"stage":"review","started":"0f1e2d3c4b5a69788796a5b4a3c1f0d29b8e4756"}}],"lamport":8,"lease":1,"ran_ms":0,"ran_since_reset_ms":0,"seq":8,"state":"RUNNING","steady":"2026-11-21T03:52:33.123Z","stop":null,"tree":"4b825dc642cb6eb9a060e54bf8d69288fbee4904","usage":{"cost_micros":12500,"input_tokens":1200,"output_tokens":340}}"#;

#[test]
fn what_format_1_wrote_is_read_for_ever() {
    let read = event::decode(EVENT_1).unwrap();
    assert_eq!((read.seq, read.event.kind()), (15, "work-committed"));
    assert_eq!(event::encode(&read), EVENT_1.replace("\"v\":1", &format!("\"v\":{FORMAT}")));
    let run = state::decode(STATE_1.as_bytes()).unwrap();
    assert!(!run.newer && matches!(run.breaker, Breaker::HalfOpen { cycle: 2, open: 1 }));
    assert_eq!(state::encode_as(&run, 1), STATE_1);
    let present = state::encode(&run);
    assert!(
        present.contains(&format!("\"format\":{FORMAT}"))
            && state::decode(present.as_bytes()) == Ok(run)
    );
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
    let place = Scene {
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
