//! What a set of gates looks at: one range and one tree, looked up once.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
};

use anyhow::{Context as _, anyhow};

use crate::{
    domain::{
        check::{
            Subject,
            change::{Change, Commit},
        },
        id::Oid,
        restore::File,
        secret,
    },
    git::{Repo, looked::Looked},
};

#[derive(Debug)]
pub(super) struct Sight<'a> {
    repo: &'a Repo,
    looked: Looked<'a>,
    pub(super) subject: Subject,
    /// Whether the work tree is what is judged; commands can be run nowhere else.
    pub(super) is_here: bool,
    head_tree: Oid,
    compared: OnceCell<Compared>,
    files: OnceCell<BTreeMap<Vec<u8>, File>>,
    commits: OnceCell<Vec<Commit>>,
    sound: OnceCell<()>,
    /// Parts of the range that are others' work, as far as they are parts of it.
    asides: Vec<(Oid, Oid)>,
}

#[derive(Debug)]
struct Compared {
    whole: Vec<Change>,
    uncommitted: Vec<Change>,
}

impl<'a> Sight<'a> {
    /// The work tree with everything that is not committed; or, where `tip` stands on a branch that is not
    /// checked out here, that commit.
    pub(super) fn of(
        repo: &'a Repo,
        from: &Oid,
        tip: Option<&Oid>,
        asides: &[(Oid, Oid)],
    ) -> anyhow::Result<Self> {
        let (looked, is_here) = match tip {
            Some(tip) => (repo.look_at_commit(tip)?, false),
            None => (repo.look_at_work(secret::is_secret_path)?, true),
        };
        let head = looked.head.commit.clone().context("HEAD leads to no commit")?;
        let head_tree = repo.tree_of(&head)?;
        let subject = Subject { from: from.clone(), head, tree: looked.tree.clone() };
        let asides = parts(repo, &subject, asides);
        Ok(Self {
            repo,
            looked,
            subject,
            is_here,
            head_tree,
            compared: OnceCell::new(),
            files: OnceCell::new(),
            commits: OnceCell::new(),
            sound: OnceCell::new(),
            asides,
        })
    }

    #[must_use]
    pub(super) fn looked(&self) -> &Looked<'a> {
        &self.looked
    }

    /// Every path that is not as it was where the range begins, committed or not.
    pub(super) fn changes(&self) -> anyhow::Result<&[Change]> {
        Ok(&self.compared()?.whole)
    }

    /// What no commit has.
    pub(super) fn uncommitted(&self) -> anyhow::Result<&[Change]> {
        Ok(&self.compared()?.uncommitted)
    }

    fn compared(&self) -> anyhow::Result<&Compared> {
        if let Some(known) = self.compared.get() {
            return Ok(known);
        }
        self.is_sound()?;
        if let Some(path) = self.looked.unmerged.first() {
            let path = String::from_utf8_lossy(path).into_owned();
            return Err(anyhow!("`{path}` is in the middle of a merge"));
        }
        let base = self.repo.tree_of(&self.subject.from)?;
        let tree = self.subject.tree.clone();
        let mut whole = self.looked.compare(&base, &tree)?;
        if !self.asides.is_empty() {
            let own = self.own_paths()?;
            whole.retain(|change| own.contains(&change.path));
        }
        // What changed inside of a submodule is no change of the tree, and all the same one of the work.
        for inner in self.looked.submodules.iter().filter(|inner| inner.modified || inner.untracked)
        {
            if !whole.iter().any(|change| change.path == inner.path) {
                whole.push(Change { path: inner.path.clone(), was: None, is: None });
            }
        }
        if let Some(left) =
            self.looked.left_out.iter().find(|left| !secret::is_secret_path(&left.path))
        {
            let path = String::from_utf8_lossy(&left.path).into_owned();
            return Err(anyhow!(
                "`{path}` is too large, or a repository of its own, and was not looked at"
            ));
        }
        let uncommitted = self.looked.compare(&self.head_tree, &tree)?;
        Ok(self.compared.get_or_init(|| Compared { whole, uncommitted }))
    }

    /// What the tree that is judged has at a path.
    pub(super) fn file(&self, path: &[u8]) -> anyhow::Result<Option<File>> {
        self.looked.file_of(&self.subject.tree, path)
    }

    /// Every file of the tree that is judged.
    pub(super) fn files(&self) -> anyhow::Result<&BTreeMap<Vec<u8>, File>> {
        if let Some(known) = self.files.get() {
            return Ok(known);
        }
        let found = self.looked.files_of(&self.subject.tree)?;
        Ok(self.files.get_or_init(|| found))
    }

    /// The commits of the range, newest first.
    pub(super) fn commits(&self) -> anyhow::Result<&[Commit]> {
        if let Some(known) = self.commits.get() {
            return Ok(known);
        }
        self.is_sound()?;
        let mut found = self.looked.commits(&self.subject.from, &self.subject.head)?;
        for (from, to) in &self.asides {
            let others = self.looked.commits(from, to)?;
            let others: BTreeSet<&Oid> = others.iter().map(|commit| &commit.id).collect();
            found.retain(|commit| !others.contains(&commit.id));
        }
        Ok(self.commits.get_or_init(|| found))
    }

    /// A range is one only where its beginning is in the history of its end.
    fn is_sound(&self) -> anyhow::Result<()> {
        let Subject { from, head, .. } = &self.subject;
        if from == head || self.sound.get().is_some() {
            return Ok(());
        }
        if !self.repo.has_object(from) {
            let cut = if self.repo.is_shallow() { "; the history is cut off here" } else { "" };
            return Err(anyhow!(
                "the commit {} where the range begins is not here{cut}",
                from.short()
            ));
        }
        if !self.repo.is_ancestor(from, head)? {
            return Err(anyhow!("{} is not in the history of {}", from.short(), head.short()));
        }
        let () = self.sound.get_or_init(|| ());
        Ok(())
    }

    /// The tree that is there now, and the commit at HEAD.
    pub(super) fn again(&self) -> anyhow::Result<(Option<Oid>, Oid)> {
        let now = self.repo.look_at_work(secret::is_secret_path)?;
        Ok((now.head.commit.clone(), now.tree.clone()))
    }

    pub(super) fn lines(&self) -> anyhow::Result<u64> {
        self.is_sound()?;
        let mut lines = 0_u64;
        for (base, tree) in self.own_parts()? {
            lines = lines.saturating_add(self.looked.lines_between(&base, &tree)?);
        }
        Ok(lines)
    }

    /// The trees between which the item's own work lies: all of the range but what is others'.
    fn own_parts(&self) -> anyhow::Result<Vec<(Oid, Oid)>> {
        let mut base = self.repo.tree_of(&self.subject.from)?;
        let mut parts = Vec::new();
        for (from, to) in &self.asides {
            let until = self.repo.tree_of(from)?;
            parts.push((std::mem::replace(&mut base, self.repo.tree_of(to)?), until));
        }
        parts.push((base, self.subject.tree.clone()));
        Ok(parts)
    }

    /// The paths that the item's own work changed, one part after the other.
    fn own_paths(&self) -> anyhow::Result<BTreeSet<Vec<u8>>> {
        let mut paths = BTreeSet::new();
        for (base, tree) in self.own_parts()? {
            paths.extend(self.looked.compare(&base, &tree)?.into_iter().map(|change| change.path));
        }
        Ok(paths)
    }
}

/// Those that lie in the range one behind the other. Where somebody rewrote the history they do not, and
/// what cannot be told apart is held to be the item's own.
fn parts(repo: &Repo, subject: &Subject, asides: &[(Oid, Oid)]) -> Vec<(Oid, Oid)> {
    let follows = |from: &Oid, to: &Oid| {
        from == to || (repo.has_object(from) && repo.is_ancestor(from, to).unwrap_or(false))
    };
    let mut last = subject.from.clone();
    let mut parts = Vec::new();
    for (from, to) in asides {
        if follows(&last, from) && follows(from, to) && follows(to, &subject.head) {
            parts.push((from.clone(), to.clone()));
            last = to.clone();
        }
    }
    parts
}
