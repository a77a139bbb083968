//! Clusters.

mod servers;
