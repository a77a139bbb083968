//! The bytes that identify the kinds of values. They are part of every key: never change or reuse one.

pub(super) const PART: u8 = 0x01;
pub(super) const SET: u8 = 0x02;
pub(super) const FALSE: u8 = 0x03;
pub(super) const TRUE: u8 = 0x04;
pub(super) const UNSIGNED: u8 = 0x05;
pub(super) const SIGNED: u8 = 0x06;
pub(super) const F32: u8 = 0x07;
pub(super) const F64: u8 = 0x08;
pub(super) const CHAR: u8 = 0x09;
pub(super) const STR: u8 = 0x0a;
pub(super) const BYTES: u8 = 0x0b;
pub(super) const NONE: u8 = 0x0c;
pub(super) const SOME: u8 = 0x0d;
pub(super) const UNIT: u8 = 0x0e;
pub(super) const UNIT_STRUCT: u8 = 0x0f;
pub(super) const SEQ: u8 = 0x10;
pub(super) const TUPLE: u8 = 0x11;
pub(super) const STRUCT: u8 = 0x12;
pub(super) const MAP: u8 = 0x13;
pub(super) const UNIT_VARIANT: u8 = 0x14;
pub(super) const NEWTYPE_VARIANT: u8 = 0x15;
pub(super) const TUPLE_VARIANT: u8 = 0x16;
pub(super) const STRUCT_VARIANT: u8 = 0x17;

/// Precedes each element of a sequence and each field of a struct.
pub(super) const MORE: u8 = 1;
/// Ends a sequence or a struct.
pub(super) const END: u8 = 0;
