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
//!      -88   rbx r12 r13 r14 r15                      (to -120)
//!     -128   rsi of other code, if that is entered
//!     -144   xmm0 ... xmm15                           (to -384)
//! ```
//!
//! * [KE-OTHER] a value of `function` other than 0 is the address of a cell. If that holds the address
//!   of code, this code goes on in place of the frame that called the stub: with the callee-saved
//!   registers and `rsi` from the stub's frame, which `function` has changed to the caller's. The
//!   cell is read when the thread counts as running again; nothing was changed if it holds 0.

/// The function `stub`, which comes with the instance in the register `instance`, and calls
/// `function` with the instance, what the instruction `argument` puts into `rsi`, and its frame. Then
/// it gives the registers back what they had and returns to the code, goes on in other code, or
/// unwinds.
macro_rules! keeping_stub {
    (instance: $instance:literal, argument: $argument:literal, function: $function:ident) => {
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn stub() {
            std::arch::naked_asm!(
                "push rbp",
                "mov rbp, rsp",
                concat!("push ", $instance),
                "sub rsp, 376",
                "mov [rbp - 16], rax",
                "mov [rbp - 24], rcx",
                "mov [rbp - 32], rdx",
                "mov [rbp - 40], rsi",
                "mov [rbp - 48], r8",
                "mov [rbp - 56], r9",
                "mov [rbp - 64], r10",
                "mov [rbp - 72], r11",
                "mov [rbp - 80], rdi",
                "mov [rbp - 88], rbx",
                "mov [rbp - 96], r12",
                "mov [rbp - 104], r13",
                "mov [rbp - 112], r14",
                "mov [rbp - 120], r15",
                "movaps [rbp - 144], xmm0",
                "movaps [rbp - 160], xmm1",
                "movaps [rbp - 176], xmm2",
                "movaps [rbp - 192], xmm3",
                "movaps [rbp - 208], xmm4",
                "movaps [rbp - 224], xmm5",
                "movaps [rbp - 240], xmm6",
                "movaps [rbp - 256], xmm7",
                "movaps [rbp - 272], xmm8",
                "movaps [rbp - 288], xmm9",
                "movaps [rbp - 304], xmm10",
                "movaps [rbp - 320], xmm11",
                "movaps [rbp - 336], xmm12",
                "movaps [rbp - 352], xmm13",
                "movaps [rbp - 368], xmm14",
                "movaps [rbp - 384], xmm15",
                concat!("mov rdi, ", $instance),
                "mov rax, [rdi + {store_block}]",
                "mov [rax + {exit_frame}], rbp",
                "inc qword ptr [rax + {sequence}]",
                $argument,
                "mov rdx, rbp",
                "call {function}",
                "mov rdi, [rbp - 8]",
                "mov rcx, [rdi + {store_block}]",
                "test edx, edx",
                "jnz 2f",
                "mov qword ptr [rcx + {exit_frame}], 0",
                "inc qword ptr [rcx + {sequence}]",
                "test rax, rax",
                "jnz 3f",
                "4:",
                "mov rax, [rbp - 16]",
                "mov rcx, [rbp - 24]",
                "mov rdx, [rbp - 32]",
                "mov rsi, [rbp - 40]",
                "mov r8, [rbp - 48]",
                "mov r9, [rbp - 56]",
                "mov r10, [rbp - 64]",
                "mov r11, [rbp - 72]",
                "mov rdi, [rbp - 80]",
                "movaps xmm0, [rbp - 144]",
                "movaps xmm1, [rbp - 160]",
                "movaps xmm2, [rbp - 176]",
                "movaps xmm3, [rbp - 192]",
                "movaps xmm4, [rbp - 208]",
                "movaps xmm5, [rbp - 224]",
                "movaps xmm6, [rbp - 240]",
                "movaps xmm7, [rbp - 256]",
                "movaps xmm8, [rbp - 272]",
                "movaps xmm9, [rbp - 288]",
                "movaps xmm10, [rbp - 304]",
                "movaps xmm11, [rbp - 320]",
                "movaps xmm12, [rbp - 336]",
                "movaps xmm13, [rbp - 352]",
                "movaps xmm14, [rbp - 368]",
                "movaps xmm15, [rbp - 384]",
                "mov rsp, rbp",
                "pop rbp",
                "ret",
                "3:",
                "mov rax, [rax]",
                "test rax, rax",
                "jz 4b",
                "mov rbx, [rbp - 88]",
                "mov r12, [rbp - 96]",
                "mov r13, [rbp - 104]",
                "mov r14, [rbp - 112]",
                "mov r15, [rbp - 120]",
                "mov rsi, [rbp - 128]",
                "mov rbp, [rbp]",
                "mov rsp, rbp",
                "pop rbp",
                "jmp rax",
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
