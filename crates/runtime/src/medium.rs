//! What a store needs of a disk, small enough that a test can stand in for one that fails.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// A folder of files.
///
/// What [`append`](Self::append) has taken survives a killed process. What was there when [`sync`](Self::sync) returned
/// survives power loss, under a name that was there when [`sync_folder`](Self::sync_folder) returned. Nothing else is
/// promised: parts of what was not synced may reach the disk in any order.
pub trait Medium: fmt::Debug + Send {
    /// Names and lengths of all files, in the order of names.
    ///
    /// # Errors
    /// What the disk says.
    fn files(&self) -> io::Result<Vec<(String, u64)>>;

    /// All bytes of a file.
    ///
    /// # Errors
    /// What the disk says.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// Makes a file that holds `bytes` and nothing else.
    ///
    /// # Errors
    /// What the disk says; the file may hold anything then.
    fn write_new(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Adds to the end of a file.
    ///
    /// # Errors
    /// What the disk says; a part may have been added then.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Cuts a file to `length` bytes.
    ///
    /// # Errors
    /// What the disk says.
    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()>;

    /// Waits until all that a file holds is durable.
    ///
    /// # Errors
    /// What the disk says; what the file holds is unknown then.
    fn sync(&mut self, name: &str) -> io::Result<()>;

    /// Gives a file another name, in place of a file that may have it.
    ///
    /// # Errors
    /// What the disk says.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the disk says.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Waits until the names of files are durable.
    ///
    /// # Errors
    /// What the disk says.
    fn sync_folder(&mut self) -> io::Result<()>;

    /// Where a file is, for messages.
    fn path(&self, name: &str) -> PathBuf;
}

/// A folder on a disk of this machine.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    /// The file that was appended to last, kept open.
    open: Option<(String, File)>,
}

impl Disk {
    /// A folder that may be there or not.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), open: None }
    }

    /// A folder that is made if it is missing.
    ///
    /// # Errors
    /// What the disk says.
    pub fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self::new(folder))
    }

    /// The file, opened to write at its end.
    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        let file = match self.open.take().filter(|(open, _)| open == name) {
            Some((_, file)) => file,
            None => OpenOptions::new().append(true).open(self.folder.join(name))?,
        };
        Ok(&mut self.open.insert((name.to_owned(), file)).1)
    }
}

impl Medium for Disk {
    fn files(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let data = entry.metadata()?;
            if data.is_file() {
                files.push((entry.file_name().to_string_lossy().into_owned(), data.len()));
            }
        }
        files.sort();
        Ok(files)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.folder.join(name))
    }

    fn write_new(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.open = None;
        File::create(self.folder.join(name))?.write_all(bytes)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.write_all(bytes)
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.file(name)?.set_len(length)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.file(name)?.sync_data()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.open = None;
        fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.open = None;
        fs::remove_file(self.folder.join(name))
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}
