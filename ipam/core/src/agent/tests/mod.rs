mod blocks;
mod plain;
mod sticky;
mod trouble;
mod world;
