//! One definition for the fields that Rust uses and the offsets that machine code uses.

/// Defines a `#[repr(C)]` struct and an offset constant for each field.
#[macro_export]
macro_rules! machine_struct {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$field_meta:meta])* $field:ident / $offset:ident : $ty:ty),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Debug)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $ty,)*
        }

        impl $name {
            $(
                #[doc = concat!("Byte offset of `", stringify!($field), "`.")]
                pub const $offset: i32 = std::mem::offset_of!($name, $field) as i32;
            )*
            /// Size in bytes.
            pub const SIZE: i32 = std::mem::size_of::<$name>() as i32;
        }
    };
}
