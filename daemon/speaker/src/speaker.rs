//! The speaker, as others see it.

use crate::core::{Config, Core, Listed, PeerStatus, Seen, Which};
use fairway_bgp::attr::Attributes;
use fairway_bgp::policy::Source;
use fairway_bgp::session::Families;
use fairway_bgp::table::{Change, Drain, Fate, Resolve, Table};
use fairway_bgp::{Family, Prefix};
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::{io, mem};
use tokio::sync::{mpsc, oneshot};

/// Commands that wait at most.
const COMMANDS: usize = 256;
/// Prefixes that are told of at once. A route may have as many communities as an extended message holds, a quarter of
/// a megabyte in words; all of a page together are to fit into an answer of the daemon.
const PAGE: usize = 128;
/// Lists of changes that wait for whoever reads them.
const CHANGES: usize = 4;

pub(crate) enum Command {
    Configure(Config),
    Originate(Source, Prefix, Box<Attributes>),
    Retract(Source, Prefix),
    Drain(Drain),
    ResolveAnew,
    Reset(IpAddr),
    Refresh(IpAddr, Family),
    Status(oneshot::Sender<Vec<PeerStatus>>),
    Listening(oneshot::Sender<Vec<SocketAddr>>),
    Why(Prefix, oneshot::Sender<Vec<Fate>>),
    List(Which, oneshot::Sender<Option<Vec<Listed>>>),
    Explain(Vec<Listed>, oneshot::Sender<Vec<Seen>>),
    Leave,
}

/// The speaker's thread is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the BGP speaker has ended")]
pub struct Gone;

/// A speaker on a thread of its own. When it is dropped, its sessions end and neighbours are told that they do;
/// [`Speaker::leave`] is for one that will be back.
#[derive(Debug)]
pub struct Speaker {
    commands: mpsc::Sender<Command>,
    changes: mpsc::Receiver<Vec<Change>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Speaker {
    /// Starts one, in the network namespace of the calling thread. Who resolves says which next hops are reached.
    ///
    /// # Errors
    /// Where there can be no thread.
    pub fn start(config: Config, resolve: impl Resolve + 'static) -> io::Result<Speaker> {
        Speaker::run(config, resolve, None)
    }

    /// Starts one that was here before and [left](Speaker::leave), or was killed, a short time ago. For these families
    /// packets went on being forwarded. Neighbours are told so (RFC 4724) where [their settings] want it, and neither they
    /// nor the node are told of routes until all neighbours have told theirs, or took too long for it.
    ///
    /// [their settings]: fairway_bgp::session::config::Graceful
    ///
    /// # Errors
    /// As [`Speaker::start`].
    pub fn start_restarted(
        config: Config,
        resolve: impl Resolve + 'static,
        forwarding: Families,
    ) -> io::Result<Speaker> {
        Speaker::run(config, resolve, Some(forwarding))
    }

    fn run(
        config: Config,
        resolve: impl Resolve + 'static,
        restarted: Option<Families>,
    ) -> io::Result<Speaker> {
        let (commands, queue) = mpsc::channel(COMMANDS);
        let (to_node, changes) = mpsc::channel(CHANGES);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build()?;
        let table = Table::new(config.settings.clone(), resolve);
        let work = move || {
            let core = Core::new(config.settings.clone(), to_node, table, restarted);
            runtime.block_on(core.run(config, queue));
        };
        let thread = thread::Builder::new().name("bgp".to_owned()).spawn(work)?;
        Ok(Speaker {
            commands,
            changes,
            thread: Some(thread),
        })
    }

    /// Another configuration. What does not differ goes on.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn configure(&self, config: Config) -> Result<(), Gone> {
        self.command(Command::Configure(config)).await
    }

    /// A route of this node, or another in its place.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn originate(
        &self,
        source: Source,
        prefix: Prefix,
        attributes: Attributes,
    ) -> Result<(), Gone> {
        let attributes = Box::new(attributes);
        self.command(Command::Originate(source, prefix, attributes))
            .await
    }

    /// A route of this node is no more.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn retract(&self, source: Source, prefix: Prefix) -> Result<(), Gone> {
        self.command(Command::Retract(source, prefix)).await
    }

    /// The node is emptied, or is not any more.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn drain(&self, drain: Drain) -> Result<(), Gone> {
        self.command(Command::Drain(drain)).await
    }

    /// Next hops may be reached in other ways than before.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn resolve_anew(&self) -> Result<(), Gone> {
        self.command(Command::ResolveAnew).await
    }

    /// A session ends, and begins anew.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn reset(&self, neighbour: IpAddr) -> Result<(), Gone> {
        self.command(Command::Reset(neighbour)).await
    }

    /// A neighbour's routes are asked for anew, and it is told all once more.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn refresh(&self, neighbour: IpAddr, family: Family) -> Result<(), Gone> {
        self.command(Command::Refresh(neighbour, family)).await
    }

    /// How all neighbours do, by address.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn status(&self) -> Result<Vec<PeerStatus>, Gone> {
        self.ask(Command::Status).await
    }

    /// Where neighbours can connect to.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn listening(&self) -> Result<Vec<SocketAddr>, Gone> {
        self.ask(Command::Listening).await
    }

    /// All paths to a prefix, and what became of each.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn why(&self, prefix: Prefix) -> Result<Vec<Fate>, Gone> {
        self.ask(|answer| Command::Why(prefix, answer)).await
    }

    /// Routes by prefix; none where there is no such neighbour. Of many, each is as it was when its turn came.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn show(&self, which: Which) -> Result<Option<Vec<Seen>>, Gone> {
        let mut all = Vec::new();
        let take = |seen| {
            all.extend(seen);
            true
        };
        let shown = self.show_some(which, None, take).await?;
        Ok(shown.map(|_rest| all))
    }

    /// Gives those behind a prefix to `take`, a page at a time, for as long as it wants more. None: there is no such
    /// neighbour. Else the last prefix that was given, where there are more.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn show_some(
        &self,
        which: Which,
        after: Option<Prefix>,
        mut take: impl FnMut(Vec<Seen>) -> bool,
    ) -> Result<Option<Option<Prefix>>, Gone> {
        let Some(mut list) = self.ask(|answer| Command::List(which, answer)).await? else {
            return Ok(None);
        };
        list.retain(|listed| Some(listed.prefix()) > after);
        list.sort_by_key(Listed::prefix);
        let mut list = list.into_iter();
        loop {
            let some: Vec<Listed> = list.by_ref().take(PAGE).collect();
            let Some(last) = some.last().map(Listed::prefix) else {
                return Ok(Some(None));
            };
            let wants_more = take(self.ask(|answer| Command::Explain(some, answer)).await?);
            if !wants_more {
                return Ok(Some((list.len() > 0).then_some(last)));
            }
        }
    }

    /// What the node uses otherwise than before. Who does not ask for it is told the last of each prefix when it does.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn changes(&mut self) -> Result<Vec<Change>, Gone> {
        self.changes.recv().await.ok_or(Gone)
    }

    /// Ends it without a word: neighbours that keep routes through restarts keep those of this speaker. Own routes that
    /// are to stay need not be retracted.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn leave(self) -> Result<(), Gone> {
        self.command(Command::Leave).await
    }

    async fn command(&self, command: Command) -> Result<(), Gone> {
        self.commands.send(command).await.map_err(|_| Gone)
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Gone> {
        let (answer, answered) = oneshot::channel();
        self.command(command(answer)).await?;
        answered.await.map_err(|_| Gone)
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        // Nobody has commands any more, so it ends.
        self.commands = mpsc::channel(1).0;
        if let Some(thread) = mem::take(&mut self.thread) {
            let _ = thread.join();
        }
    }
}
