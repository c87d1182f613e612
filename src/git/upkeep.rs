//! Packing loose objects: gix never does, and a long run writes thousands.

use std::fs;

use super::Repo;

/// git's own measure: so many objects in one of the 256 directories stand for `gc.auto` in all.
const SAMPLE_DIR: &str = "17";
const GC_AUTO_DEFAULT: i64 = 6700;

impl Repo {
    /// Packs loose objects when there are as many as git itself would pack. Who sets `gc.auto` to 0
    /// wants to be left alone. It is upkeep: when it fails, nothing is lost.
    pub fn pack_when_many(&self) {
        let auto = self.gix().config_snapshot().integer("gc.auto").unwrap_or(GC_AUTO_DEFAULT);
        let Ok(sample) = fs::read_dir(self.common_dir().join("objects").join(SAMPLE_DIR)) else {
            return;
        };
        let many = usize::try_from(auto / 256 + 1).unwrap_or(usize::MAX);
        if auto <= 0 || sample.count() < many {
            return;
        }
        if let Err(error) =
            self.git().output(&["maintenance", "run", "--quiet", "--task=loose-objects"])
        {
            tracing::debug!(%error, "loose objects were not packed");
        }
    }
}
