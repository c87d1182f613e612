//! What people write into files, made into values of `domain`. Nothing here opens a file.

pub mod plan_file;
