mod blocks;
mod plain;
mod rewind;
mod sticky;
mod trouble;
mod world;
