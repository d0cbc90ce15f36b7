//! Keeping all registers in builtins that code enters without expecting them to change any.
//!
//! `rbx`, `rbp` and `r12` to `r15` are kept by the C convention, all others here: a fast path then
//! pays nothing for a slow one.
//!
//! ```text
//!   rbp +8   return address
//!       +0   frame pointer of the code
//!       -8   the instance: [WR-OWNER]
//!      -16   rax rcx rdx rsi r8 r9 r10 r11 rdi        (to -80)
//!      -96   xmm0 ... xmm15                           (to -336)
//! ```

/// The function `stub`, which comes with the instance in the register `instance`, and calls
/// `function` with the instance and what the instruction `argument` puts into `rsi`. Then it gives
/// the registers back what they had and returns to the code, or unwinds.
macro_rules! keeping_stub {
    (instance: $instance:literal, argument: $argument:literal, function: $function:ident) => {
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn stub() {
            std::arch::naked_asm!(
                "push rbp",
                "mov rbp, rsp",
                concat!("push ", $instance),
                "sub rsp, 328",
                "mov [rbp - 16], rax",
                "mov [rbp - 24], rcx",
                "mov [rbp - 32], rdx",
                "mov [rbp - 40], rsi",
                "mov [rbp - 48], r8",
                "mov [rbp - 56], r9",
                "mov [rbp - 64], r10",
                "mov [rbp - 72], r11",
                "mov [rbp - 80], rdi",
                "movaps [rbp - 96], xmm0",
                "movaps [rbp - 112], xmm1",
                "movaps [rbp - 128], xmm2",
                "movaps [rbp - 144], xmm3",
                "movaps [rbp - 160], xmm4",
                "movaps [rbp - 176], xmm5",
                "movaps [rbp - 192], xmm6",
                "movaps [rbp - 208], xmm7",
                "movaps [rbp - 224], xmm8",
                "movaps [rbp - 240], xmm9",
                "movaps [rbp - 256], xmm10",
                "movaps [rbp - 272], xmm11",
                "movaps [rbp - 288], xmm12",
                "movaps [rbp - 304], xmm13",
                "movaps [rbp - 320], xmm14",
                "movaps [rbp - 336], xmm15",
                concat!("mov rdi, ", $instance),
                "mov rax, [rdi + {store_block}]",
                "inc qword ptr [rax + {sequence}]",
                "mov [rax + {exit_frame}], rbp",
                $argument,
                "call {function}",
                "mov rdi, [rbp - 8]",
                "mov rcx, [rdi + {store_block}]",
                "test edx, edx",
                "jnz 2f",
                "mov qword ptr [rcx + {exit_frame}], 0",
                "mov rax, [rbp - 16]",
                "mov rcx, [rbp - 24]",
                "mov rdx, [rbp - 32]",
                "mov rsi, [rbp - 40]",
                "mov r8, [rbp - 48]",
                "mov r9, [rbp - 56]",
                "mov r10, [rbp - 64]",
                "mov r11, [rbp - 72]",
                "mov rdi, [rbp - 80]",
                "movaps xmm0, [rbp - 96]",
                "movaps xmm1, [rbp - 112]",
                "movaps xmm2, [rbp - 128]",
                "movaps xmm3, [rbp - 144]",
                "movaps xmm4, [rbp - 160]",
                "movaps xmm5, [rbp - 176]",
                "movaps xmm6, [rbp - 192]",
                "movaps xmm7, [rbp - 208]",
                "movaps xmm8, [rbp - 224]",
                "movaps xmm9, [rbp - 240]",
                "movaps xmm10, [rbp - 256]",
                "movaps xmm11, [rbp - 272]",
                "movaps xmm12, [rbp - 288]",
                "movaps xmm13, [rbp - 304]",
                "movaps xmm14, [rbp - 320]",
                "movaps xmm15, [rbp - 336]",
                "mov rsp, rbp",
                "pop rbp",
                "ret",
                "2:",
                "mov rdi, rcx",
                "jmp {unwind}",
                store_block = const tierup_abi::InstanceHead::STORE_BLOCK,
                exit_frame = const tierup_abi::StoreBlock::EXIT_FRAME,
                sequence = const tierup_abi::StoreBlock::SEQUENCE,
                function = sym $function,
                unwind = sym $crate::enter::unwind,
            )
        }
    };
}

pub(super) use keeping_stub;
