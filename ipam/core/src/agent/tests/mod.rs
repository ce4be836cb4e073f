mod blocks;
mod guarded;
mod plain;
mod rewind;
mod sticky;
mod trouble;
mod world;
