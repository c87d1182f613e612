use super::{
    super::{Script, WORKFLOWS, travel},
    *,
};
use crate::domain::{
    outcome::Verdict,
    run::{Run, State},
    testing::world::script::{Hook, Incident, Leaves, Play},
};

/// Four of a group, two at once, and one apart: all goes well, but for what is said here.
fn side_by_side(plays: Vec<LanePlay>, incidents: Vec<Incident>) -> Script {
    Script {
        workflow: WORKFLOWS[0],
        items: 5,
        builds: vec![Play::Built(Leaves::Changes)],
        judges: vec![Play::Judged(Verdict::Pass, vec![])],
        hooks: vec![Hook::Allows],
        incidents,
        words: vec![],
        resumes: vec![false; 20],
        hours_max: 100_000,
        side: Some(Side { items: 5, parallel: 2, apart: 1, plays }),
    }
}

fn built(which: usize) -> LanePlay {
    LanePlay { which, ends: LaneEnds::Built, fits: Fits::Well }
}

/// What has become of the lanes, oldest first.
fn lanes(run: &Run) -> String {
    let mut words: Vec<_> =
        run.lanes.iter().map(|lane| format!("{}:{}", lane.item, lane.word())).collect();
    words.sort();
    words.join(" ")
}

fn done(run: &Run) -> bool {
    let done = |progress: &Progress| matches!(progress, Progress::Done { .. });
    run.state == State::JackedOut && run.items.iter().all(|item| done(&item.progress))
}

#[test]
fn each_of_a_group_is_built_once_and_whoever_ends_first_the_commits_are_the_same() {
    for which in 0..2 {
        let journey = travel(&side_by_side(vec![built(which)], vec![]));
        assert_eq!(journey.failures, Vec::<String>::new());
        assert!(done(&journey.run));
        assert_eq!(lanes(&journey.run), "a:joined b:joined c:joined d:joined");
        let subjects = journey.written.iter().filter_map(|envelope| match &envelope.event {
            Event::WorkCommitted(work) => Some(work.subject.clone()),
            _ => None,
        });
        let expected = ["a", "b", "c", "d", "e"].map(|item| format!("feat({item}): build {item}"));
        assert_eq!(subjects.collect::<Vec<_>>(), expected);
        // Five that build, and five that judge.
        assert_eq!(journey.run.calls_total, 10);
    }
}

#[test]
fn whatever_becomes_of_a_lane_every_item_is_built() {
    let ends = [
        LaneEnds::Unsaved,
        LaneEnds::Failed(Failure::TimedOut),
        LaneEnds::Held(3),
        LaneEnds::Unavailable,
        LaneEnds::Stopped,
        LaneEnds::Blocked,
        LaneEnds::HaltAsked,
    ];
    let mishaps = ends.map(|ends| LanePlay { which: 0, ends, fits: Fits::Well });
    let misfits = [Fits::OutsideOfItsScope, Fits::NotOnTheBranch, Fits::AllThereAlready];
    let misfits = misfits.map(|fits| LanePlay { which: 0, ends: LaneEnds::Built, fits });
    for play in mishaps.into_iter().chain(misfits) {
        for at in 0..4 {
            let mut plays = vec![built(1); 40];
            plays[at] = play.clone();
            let journey = travel(&side_by_side(plays, vec![]));
            assert_eq!(journey.failures, Vec::<String>::new(), "{play:?} at {at}");
            assert!(done(&journey.run), "{play:?} at {at}: {}", lanes(&journey.run));
        }
    }
}

#[test]
fn a_crash_at_any_point_loses_nothing_and_every_item_is_built() {
    let plain = travel(&side_by_side(vec![built(1)], vec![]));
    let mut seen = std::collections::BTreeSet::new();
    for at in 0.. {
        let mut reached = false;
        for point in 0..POINTS_MAX as u64 {
            for crash in [Incident::CrashBefore(point), Incident::CrashAfter(point)] {
                let mut incidents = vec![Incident::Quiet; at];
                incidents.push(crash);
                let journey = travel(&side_by_side(vec![built(1)], incidents));
                assert_eq!(journey.failures, Vec::<String>::new(), "step {at}, {point}");
                let told = format!("step {at}, {point}: {}", lanes(&journey.run));
                assert!(done(&journey.run), "{told}");
                assert_eq!(journey.run.commits, plain.run.commits, "{told}");
                // A round that was cut short is gone on with: what was lost is done on the branch.
                seen.insert(lanes(&journey.run));
                reached |= 1 < journey.run.generation;
            }
        }
        if !reached {
            assert!(20 < at, "the crash must come everywhere");
            break;
        }
    }
    for one in [
        "a:joined b:joined c:joined d:joined",
        "a:dropped b:joined c:joined d:joined",
        "a:dropped b:joined c:dropped",
        "a:dropped b:dropped",
    ] {
        assert!(seen.contains(one), "{one}: {seen:?}");
    }
}
