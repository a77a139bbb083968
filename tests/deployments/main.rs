//! Deployments of Redis: the servers that one URL stands for, and their failures.

mod sentinel;
