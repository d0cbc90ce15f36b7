//! Operations on vectors: one table.
//!
//! Each line is a constant, its encoding, and the instruction of Cranelift's assembler that the
//! tests compare it with. In all of them but those of `store` and `extract` the register is what
//! changes. Memory operands must be aligned to 16 bytes where 16 are read, except by [`LOAD`] and
//! [`STORE`].

use crate::Operation;

/// Calls a macro with the table, by the kinds of operands.
macro_rules! for_each_vector_operation {
    ($make:ident) => {
        $make! { binary
            LOAD = 0x00, 0x0f10, movups_a, "`xmm = rm`, 128 bits, any alignment";
            ADD8 = 0x66, 0x0ffc, paddb_a, "`xmm += rm`, lanes of 8 bits";
            ADD16 = 0x66, 0x0ffd, paddw_a, "`xmm += rm`, lanes of 16 bits";
            ADD32 = 0x66, 0x0ffe, paddd_a, "`xmm += rm`, lanes of 32 bits";
            ADD64 = 0x66, 0x0fd4, paddq_a, "`xmm += rm`, lanes of 64 bits";
            ADD8_SIGNED = 0x66, 0x0fec, paddsb_a, "`xmm += rm`, lanes of 8 bits, saturating with sign";
            ADD16_SIGNED = 0x66, 0x0fed, paddsw_a, "`xmm += rm`, lanes of 16 bits, saturating with sign";
            ADD8_UNSIGNED = 0x66, 0x0fdc, paddusb_a, "`xmm += rm`, lanes of 8 bits, saturating without sign";
            ADD16_UNSIGNED = 0x66, 0x0fdd, paddusw_a, "`xmm += rm`, lanes of 16 bits, saturating without sign";
            SUBTRACT8 = 0x66, 0x0ff8, psubb_a, "`xmm -= rm`, lanes of 8 bits";
            SUBTRACT16 = 0x66, 0x0ff9, psubw_a, "`xmm -= rm`, lanes of 16 bits";
            SUBTRACT32 = 0x66, 0x0ffa, psubd_a, "`xmm -= rm`, lanes of 32 bits";
            SUBTRACT64 = 0x66, 0x0ffb, psubq_a, "`xmm -= rm`, lanes of 64 bits";
            SUBTRACT8_SIGNED = 0x66, 0x0fe8, psubsb_a, "`xmm -= rm`, lanes of 8 bits, saturating with sign";
            SUBTRACT16_SIGNED = 0x66, 0x0fe9, psubsw_a, "`xmm -= rm`, lanes of 16 bits, saturating with sign";
            SUBTRACT8_UNSIGNED = 0x66, 0x0fd8, psubusb_a, "`xmm -= rm`, lanes of 8 bits, saturating without sign";
            SUBTRACT16_UNSIGNED = 0x66, 0x0fd9, psubusw_a, "`xmm -= rm`, lanes of 16 bits, saturating without sign";
            MULTIPLY16 = 0x66, 0x0fd5, pmullw_a, "lower halves of `xmm * rm`, lanes of 16 bits";
            MULTIPLY32 = 0x66, 0x0f3840, pmulld_a, "lower halves of `xmm * rm`, lanes of 32 bits";
            MULTIPLY16_HIGH_SIGNED = 0x66, 0x0fe5, pmulhw_a, "upper halves of `xmm * rm`, lanes of 16 bits with sign";
            MULTIPLY16_HIGH_UNSIGNED = 0x66, 0x0fe4, pmulhuw_a, "upper halves of `xmm * rm`, lanes of 16 bits without sign";
            MULTIPLY16_ROUNDED = 0x66, 0x0f380b, pmulhrsw_a, "`xmm * rm` in Q15, rounded";
            MULTIPLY32_WIDE_SIGNED = 0x66, 0x0f3828, pmuldq_a, "`xmm * rm`, even lanes of 32 bits with sign, to 64";
            MULTIPLY32_WIDE_UNSIGNED = 0x66, 0x0ff4, pmuludq_a, "`xmm * rm`, even lanes of 32 bits without sign, to 64";
            MULTIPLY_ADD8 = 0x66, 0x0f3804, pmaddubsw_a, "sums of neighbouring products of `xmm` without and `rm` with sign, 8 bits to 16, saturating";
            MULTIPLY_ADD16 = 0x66, 0x0ff5, pmaddwd_a, "sums of neighbouring products, 16 bits with sign to 32";
            MINIMUM8_SIGNED = 0x66, 0x0f3838, pminsb_a, "smaller lanes of 8 bits with sign";
            MINIMUM8_UNSIGNED = 0x66, 0x0fda, pminub_a, "smaller lanes of 8 bits without sign";
            MINIMUM16_SIGNED = 0x66, 0x0fea, pminsw_a, "smaller lanes of 16 bits with sign";
            MINIMUM16_UNSIGNED = 0x66, 0x0f383a, pminuw_a, "smaller lanes of 16 bits without sign";
            MINIMUM32_SIGNED = 0x66, 0x0f3839, pminsd_a, "smaller lanes of 32 bits with sign";
            MINIMUM32_UNSIGNED = 0x66, 0x0f383b, pminud_a, "smaller lanes of 32 bits without sign";
            MAXIMUM8_SIGNED = 0x66, 0x0f383c, pmaxsb_a, "larger lanes of 8 bits with sign";
            MAXIMUM8_UNSIGNED = 0x66, 0x0fde, pmaxub_a, "larger lanes of 8 bits without sign";
            MAXIMUM16_SIGNED = 0x66, 0x0fee, pmaxsw_a, "larger lanes of 16 bits with sign";
            MAXIMUM16_UNSIGNED = 0x66, 0x0f383e, pmaxuw_a, "larger lanes of 16 bits without sign";
            MAXIMUM32_SIGNED = 0x66, 0x0f383d, pmaxsd_a, "larger lanes of 32 bits with sign";
            MAXIMUM32_UNSIGNED = 0x66, 0x0f383f, pmaxud_a, "larger lanes of 32 bits without sign";
            AVERAGE8 = 0x66, 0x0fe0, pavgb_a, "means of lanes of 8 bits without sign, rounded up";
            AVERAGE16 = 0x66, 0x0fe3, pavgw_a, "means of lanes of 16 bits without sign, rounded up";
            ABSOLUTE8 = 0x66, 0x0f381c, pabsb_a, "`xmm = abs(rm)`, lanes of 8 bits";
            ABSOLUTE16 = 0x66, 0x0f381d, pabsw_a, "`xmm = abs(rm)`, lanes of 16 bits";
            ABSOLUTE32 = 0x66, 0x0f381e, pabsd_a, "`xmm = abs(rm)`, lanes of 32 bits";
            EQUAL8 = 0x66, 0x0f74, pcmpeqb_a, "all bits of a lane if equal, otherwise none, lanes of 8 bits";
            EQUAL16 = 0x66, 0x0f75, pcmpeqw_a, "the same of 16 bits";
            EQUAL32 = 0x66, 0x0f76, pcmpeqd_a, "the same of 32 bits";
            EQUAL64 = 0x66, 0x0f3829, pcmpeqq_a, "the same of 64 bits";
            GREATER8 = 0x66, 0x0f64, pcmpgtb_a, "all bits of a lane if `xmm > rm` with sign, otherwise none, lanes of 8 bits";
            GREATER16 = 0x66, 0x0f65, pcmpgtw_a, "the same of 16 bits";
            GREATER32 = 0x66, 0x0f66, pcmpgtd_a, "the same of 32 bits";
            AND = 0x66, 0x0fdb, pand_a, "`xmm &= rm`";
            AND_NOT = 0x66, 0x0fdf, pandn_a, "`xmm = !xmm & rm`";
            OR = 0x66, 0x0feb, por_a, "`xmm |= rm`";
            XOR = 0x66, 0x0fef, pxor_a, "`xmm ^= rm`";
            TEST = 0x66, 0x0f3817, ptest_rm, "flags: equal if `xmm & rm` has no bit";
            NARROW16_SIGNED = 0x66, 0x0f63, packsswb_a, "`xmm`'s lanes, then `rm`'s, of 16 bits to 8, saturating with sign";
            NARROW16_UNSIGNED = 0x66, 0x0f67, packuswb_a, "the same without sign";
            NARROW32_SIGNED = 0x66, 0x0f6b, packssdw_a, "`xmm`'s lanes, then `rm`'s, of 32 bits to 16, saturating with sign";
            NARROW32_UNSIGNED = 0x66, 0x0f382b, packusdw_a, "the same without sign";
            EXTEND8_SIGNED = 0x66, 0x0f3820, pmovsxbw_a, "`xmm = rm`'s lower lanes of 8 bits to 16 with sign";
            EXTEND16_SIGNED = 0x66, 0x0f3823, pmovsxwd_a, "`xmm = rm`'s lower lanes of 16 bits to 32 with sign";
            EXTEND32_SIGNED = 0x66, 0x0f3825, pmovsxdq_a, "`xmm = rm`'s lower lanes of 32 bits to 64 with sign";
            EXTEND8_UNSIGNED = 0x66, 0x0f3830, pmovzxbw_a, "`xmm = rm`'s lower lanes of 8 bits to 16 without sign";
            EXTEND16_UNSIGNED = 0x66, 0x0f3833, pmovzxwd_a, "`xmm = rm`'s lower lanes of 16 bits to 32 without sign";
            EXTEND32_UNSIGNED = 0x66, 0x0f3835, pmovzxdq_a, "`xmm = rm`'s lower lanes of 32 bits to 64 without sign";
            INTERLEAVE8_LOW = 0x66, 0x0f60, punpcklbw_a, "lower lanes of 8 bits, from `xmm` and `rm` in turn";
            INTERLEAVE8_HIGH = 0x66, 0x0f68, punpckhbw_a, "upper lanes of 8 bits, from `xmm` and `rm` in turn";
            INTERLEAVE16_LOW = 0x66, 0x0f61, punpcklwd_a, "lower lanes of 16 bits, from `xmm` and `rm` in turn";
            INTERLEAVE16_HIGH = 0x66, 0x0f69, punpckhwd_a, "upper lanes of 16 bits, from `xmm` and `rm` in turn";
            INTERLEAVE32_LOW = 0x66, 0x0f62, punpckldq_a, "lower lanes of 32 bits, from `xmm` and `rm` in turn";
            INTERLEAVE32_HIGH = 0x66, 0x0f6a, punpckhdq_a, "upper lanes of 32 bits, from `xmm` and `rm` in turn";
            INTERLEAVE64_LOW = 0x66, 0x0f6c, punpcklqdq_a, "lower lanes of 64 bits, from `xmm` and `rm` in turn";
            INTERLEAVE64_HIGH = 0x66, 0x0f6d, punpckhqdq_a, "upper lanes of 64 bits, from `xmm` and `rm` in turn";
            SHUFFLE8 = 0x66, 0x0f3800, pshufb_a, "`xmm`'s bytes in the order of `rm`, 0 for a negative index";
            LEFT16 = 0x66, 0x0ff1, psllw_a, "`xmm <<= rm`, lanes of 16 bits, one count for all";
            LEFT32 = 0x66, 0x0ff2, pslld_a, "`xmm <<= rm`, lanes of 32 bits";
            LEFT64 = 0x66, 0x0ff3, psllq_a, "`xmm <<= rm`, lanes of 64 bits";
            RIGHT16_ZERO = 0x66, 0x0fd1, psrlw_a, "`xmm >>= rm`, lanes of 16 bits, zeros in";
            RIGHT32_ZERO = 0x66, 0x0fd2, psrld_a, "`xmm >>= rm`, lanes of 32 bits, zeros in";
            RIGHT64_ZERO = 0x66, 0x0fd3, psrlq_a, "`xmm >>= rm`, lanes of 64 bits, zeros in";
            RIGHT16_SIGN = 0x66, 0x0fe1, psraw_a, "`xmm >>= rm`, lanes of 16 bits, the sign in";
            RIGHT32_SIGN = 0x66, 0x0fe2, psrad_a, "`xmm >>= rm`, lanes of 32 bits, the sign in";
            F32_FROM_I32 = 0x00, 0x0f5b, cvtdq2ps_a, "`xmm = rm`, from integers to floats";
            F64_FROM_I32 = 0xf3, 0x0fe6, cvtdq2pd_a, "`xmm = rm`'s lower lanes, from integers to floats of 64 bits";
            I32_FROM_F32 = 0xf3, 0x0f5b, cvttps2dq_a, "`xmm = rm`, rounded to zero; the smallest integer if it does not fit";
            I32_FROM_F64 = 0x66, 0x0fe6, cvttpd2dq_a, "the same from floats of 64 bits, with zeros above";
            F64_FROM_F32 = 0x00, 0x0f5a, cvtps2pd_a, "`xmm = rm`'s lower lanes, wider";
            F32_FROM_F64 = 0x66, 0x0f5a, cvtpd2ps_a, "`xmm = rm`, narrower, with zeros above";
        }
        $make! { store
            STORE = 0x00, 0x0f11, movups_b, "`rm = xmm`, 128 bits, any alignment";
        }
        $make! { byte
            ORDER32 = 0x66, 0x0f70, pshufd_a, "`xmm = rm`'s lanes of 32 bits, the byte has two bits for each";
            ORDER16_LOW = 0xf2, 0x0f70, pshuflw_a, "the same for the lower four lanes of 16 bits";
            ORDER_FLOAT32 = 0x00, 0x0fc6, shufps_a, "two lanes of `xmm`, then two of `rm`";
            INSERT_FLOAT32 = 0x66, 0x0f3a21, insertps_a, "one lane from `rm`'s lowest; the byte has its number in bits 4 and 5";
            SHIFT_PAIR = 0x66, 0x0f3a0f, palignr_a, "the bytes from that one on of `rm` with `xmm` above";
            COMPARE_FLOAT32 = 0x00, 0x0fc2, cmpps_a, "all bits of a lane if the comparison holds, otherwise none";
            COMPARE_FLOAT64 = 0x66, 0x0fc2, cmppd_a, "the same of 64 bits";
            ROUND_FLOAT32 = 0x66, 0x0f3a08, roundps_rmi, "`xmm = rm`, rounded";
            ROUND_FLOAT64 = 0x66, 0x0f3a09, roundpd_rmi, "the same of 64 bits";
        }
        $make! { insert
            INSERT8 = 0x66, 0x0f3a20, pinsrb_a, "`xmm`'s lane of that number `= rm`, 8 bits";
            INSERT16 = 0x66, 0x0fc4, pinsrw_a, "the same of 16 bits";
            INSERT = 0x66, 0x0f3a22, pinsrd_a, "the same of the operation's width";
        }
        $make! { extract
            EXTRACT8 = 0x66, 0x0f3a14, pextrb_a, "`rm = xmm`'s lane of that number, 8 bits, zeros above in a register";
            EXTRACT16 = 0x66, 0x0f3a15, pextrw_b, "the same of 16 bits";
            EXTRACT = 0x66, 0x0f3a16, pextrd_a, "the same of the operation's width";
        }
        $make! { signs
            SIGNS8 = 0x66, 0x0fd7, pmovmskb_rm, "`register =` the highest bits of `xmm`'s lanes of 8 bits";
            SIGNS32 = 0x00, 0x0f50, movmskps_rm, "the same of 32 bits";
            SIGNS64 = 0x66, 0x0f50, movmskpd_rm, "the same of 64 bits";
        }
    };
}

macro_rules! constants {
    ($kind:ident $($name:ident = $prefix:literal, $opcode:literal, $oracle:ident, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            pub const $name: Operation = Operation::prefixed($prefix, $opcode);
        )*
    };
}

for_each_vector_operation!(constants);

/// A shift of all lanes by a constant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LaneShift {
    /// 16 bits, to the left.
    Left16,
    /// 16 bits, zeros in.
    Right16Zero,
    /// 16 bits, the sign in.
    Right16Sign,
    /// 32 bits, to the left.
    Left32,
    /// 32 bits, zeros in.
    Right32Zero,
    /// 32 bits, the sign in.
    Right32Sign,
    /// 64 bits, to the left.
    Left64,
    /// 64 bits, zeros in.
    Right64Zero,
}

impl LaneShift {
    /// The operation, and what stands for its register operand.
    pub(crate) fn encoding(self) -> (Operation, u8) {
        let (opcode, digit) = match self {
            Self::Left16 => (0x0f71, 6),
            Self::Right16Zero => (0x0f71, 2),
            Self::Right16Sign => (0x0f71, 4),
            Self::Left32 => (0x0f72, 6),
            Self::Right32Zero => (0x0f72, 2),
            Self::Right32Sign => (0x0f72, 4),
            Self::Left64 => (0x0f73, 6),
            Self::Right64Zero => (0x0f73, 2),
        };
        (Operation::prefixed(0x66, opcode), digit)
    }
}

#[cfg(test)]
mod tests {
    use cranelift_assembler_x64::{GprMem, XmmMem, inst};
    use tierup_abi::{Gpr, Xmm};

    use super::*;
    use crate::{
        Address, Emitter, FloatOperation, Width,
        operand::{Physical, Register},
        sink::Sink,
    };

    /// What we encode, and what Cranelift's assembler does.
    fn assert_same(name: &str, ours: impl FnOnce(&mut Emitter), theirs: impl FnOnce(&mut Sink)) {
        let mut asm = Emitter::new();
        ours(&mut asm);
        let mut sink = Sink::default();
        theirs(&mut sink);
        assert_eq!(asm.finish(), sink.as_slice(), "{name}");
    }

    /// All pairs of registers.
    fn pairs() -> impl Iterator<Item = (u8, u8)> {
        (0..16).flat_map(|left| (0..16).map(move |right| (left, right)))
    }

    fn addresses() -> impl Iterator<Item = Address> {
        (0..16).flat_map(|base| [0, -16, 1000].map(|offset| Address::new(Gpr(base), offset)))
    }

    /// Checks all forms with two vector registers, or one and memory.
    fn check_binary(
        (name, operation): (&str, Operation),
        theirs: impl Fn(&mut Sink, Register, XmmMem<Register, Register>),
    ) {
        for (left, right) in pairs() {
            assert_same(
                name,
                |asm| asm.operate(operation, Width::W32, Xmm(left), Xmm(right)),
                |sink| theirs(sink, Register(left), XmmMem::Xmm(Register(right))),
            );
        }
        check_addresses((name, operation), |sink, address| {
            theirs(sink, Register(9), address.xmm_operand());
        });
    }

    fn check_addresses((name, operation): (&str, Operation), theirs: impl Fn(&mut Sink, Address)) {
        for address in addresses() {
            assert_same(
                name,
                |asm| asm.operate(operation, Width::W32, Xmm(9), address),
                |sink| theirs(sink, address),
            );
        }
    }

    /// Checks all forms with two registers, and of the classes that `theirs` wants, and a byte.
    fn check_pairs(
        name: &str,
        ours: impl Fn(&mut Emitter, u8, u8),
        theirs: impl Fn(&mut Sink, Register, Register),
    ) {
        for (left, right) in pairs() {
            assert_same(
                name,
                |asm| ours(asm, left, right),
                |sink| theirs(sink, Register(left), Register(right)),
            );
        }
    }

    macro_rules! check {
        (binary $($name:ident = $p:literal, $o:literal, $oracle:ident, $doc:literal;)*) => {$(
            check_binary((stringify!($name), $name), |sink, left, right| {
                inst::$oracle::<Physical>::new(left, right).encode(sink);
            });
        )*};
        (store $($name:ident = $p:literal, $o:literal, $oracle:ident, $doc:literal;)*) => {$(
            check_addresses((stringify!($name), $name), |sink, address| {
                let operand: XmmMem<Register, Register> = address.xmm_operand();
                inst::$oracle::<Physical>::new(operand, Register(9)).encode(sink);
            });
        )*};
        (byte $($name:ident = $p:literal, $o:literal, $oracle:ident, $doc:literal;)*) => {$(
            check_pairs(
                stringify!($name),
                |asm, left, right| {
                    asm.operate_byte(($name, 5), Width::W32, Xmm(left), Xmm(right));
                },
                |sink, left, right| {
                    inst::$oracle::<Physical>::new(left, XmmMem::Xmm(right), 5).encode(sink);
                },
            );
        )*};
        (insert $($name:ident = $p:literal, $o:literal, $oracle:ident, $doc:literal;)*) => {$(
            check_pairs(
                stringify!($name),
                |asm, left, right| {
                    asm.operate_byte(($name, 1), Width::W32, Xmm(left), Gpr(right));
                },
                |sink, left, right| {
                    inst::$oracle::<Physical>::new(left, GprMem::Gpr(right), 1).encode(sink);
                },
            );
        )*};
        (extract $($name:ident = $p:literal, $o:literal, $oracle:ident, $doc:literal;)*) => {$(
            check_pairs(
                stringify!($name),
                |asm, left, right| {
                    asm.operate_byte(($name, 1), Width::W32, Xmm(right), Gpr(left));
                },
                |sink, left, right| {
                    inst::$oracle::<Physical>::new(GprMem::Gpr(left), right, 1).encode(sink);
                },
            );
        )*};
        (signs $($name:ident = $p:literal, $o:literal, $oracle:ident, $doc:literal;)*) => {$(
            check_pairs(
                stringify!($name),
                |asm, left, right| asm.operate($name, Width::W32, Gpr(left), Xmm(right)),
                |sink, left, right| inst::$oracle::<Physical>::new(left, right).encode(sink),
            );
        )*};
    }

    #[test]
    fn the_table_is_what_cranelift_says() {
        for_each_vector_operation!(check);
    }

    #[test]
    fn a_lane_is_stored_with_its_number_behind_the_address() {
        for address in addresses() {
            assert_same(
                "pextrb",
                |asm| asm.operate_byte((EXTRACT8, 7), Width::W32, Xmm(9), address),
                |sink| {
                    let operand = address.gpr_operand();
                    inst::pextrb_a::<Physical>::new(operand, Register(9), 7).encode(sink);
                },
            );
        }
    }

    #[test]
    fn the_width_chooses_lanes_of_32_or_64_bits() {
        for (left, right) in pairs() {
            let (a, b) = (Register(left), GprMem::Gpr(Register(right)));
            assert_same(
                "pinsrq",
                |asm| asm.operate_byte((INSERT, 1), Width::W64, Xmm(left), Gpr(right)),
                |sink| inst::pinsrq_a::<Physical>::new(a, b, 1).encode(sink),
            );
            let (a, b) = (GprMem::Gpr(Register(left)), Register(right));
            assert_same(
                "pextrq",
                |asm| asm.operate_byte((EXTRACT, 1), Width::W64, Xmm(right), Gpr(left)),
                |sink| inst::pextrq_a::<Physical>::new(a, b, 1).encode(sink),
            );
        }
    }

    macro_rules! check_floats {
        ($($operation:ident: $narrow:ident $wide:ident;)*) => {$(
            let (a, b) = (Register(3), XmmMem::Xmm(Register(14)));
            assert_same(
                stringify!($narrow),
                |asm| {
                    let operation = FloatOperation::$operation.vector(Width::W32);
                    asm.operate(operation, Width::W32, Xmm(3), Xmm(14));
                },
                |sink| inst::$narrow::<Physical>::new(a, b).encode(sink),
            );
            assert_same(
                stringify!($wide),
                |asm| {
                    let operation = FloatOperation::$operation.vector(Width::W64);
                    asm.operate(operation, Width::W32, Xmm(3), Xmm(14));
                },
                |sink| inst::$wide::<Physical>::new(a, b).encode(sink),
            );
        )*};
    }

    #[test]
    fn float_operations_on_all_lanes() {
        check_floats! {
            Add: addps_a addpd_a;
            Subtract: subps_a subpd_a;
            Multiply: mulps_a mulpd_a;
            Divide: divps_a divpd_a;
            Minimum: minps_a minpd_a;
            Maximum: maxps_a maxpd_a;
            SquareRoot: sqrtps_a sqrtpd_a;
        }
    }

    macro_rules! check_shifts {
        ($($shift:ident: $oracle:ident;)*) => {$(
            for register in 0..16 {
                assert_same(
                    stringify!($shift),
                    |asm| asm.shift_lanes(LaneShift::$shift, Xmm(register), 5),
                    |sink| inst::$oracle::<Physical>::new(Register(register), 5).encode(sink),
                );
            }
        )*};
    }

    #[test]
    fn shifts_by_constants() {
        check_shifts! {
            Left16: psllw_b;
            Right16Zero: psrlw_b;
            Right16Sign: psraw_b;
            Left32: pslld_b;
            Right32Zero: psrld_b;
            Right32Sign: psrad_b;
            Left64: psllq_b;
            Right64Zero: psrlq_b;
        }
    }
}
