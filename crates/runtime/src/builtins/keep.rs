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

/// Opens the frame above; the operand is the register that has the instance.
macro_rules! open_frame {
    ($instance:literal) => {
        concat!(
            "push rbp\n",
            "mov rbp, rsp\n",
            "push ",
            $instance,
            "\n",
            "sub rsp, 328\n",
            "mov [rbp - 16], rax\n",
            "mov [rbp - 24], rcx\n",
            "mov [rbp - 32], rdx\n",
            "mov [rbp - 40], rsi\n",
            "mov [rbp - 48], r8\n",
            "mov [rbp - 56], r9\n",
            "mov [rbp - 64], r10\n",
            "mov [rbp - 72], r11\n",
            "mov [rbp - 80], rdi\n",
            "movaps [rbp - 96], xmm0\n",
            "movaps [rbp - 112], xmm1\n",
            "movaps [rbp - 128], xmm2\n",
            "movaps [rbp - 144], xmm3\n",
            "movaps [rbp - 160], xmm4\n",
            "movaps [rbp - 176], xmm5\n",
            "movaps [rbp - 192], xmm6\n",
            "movaps [rbp - 208], xmm7\n",
            "movaps [rbp - 224], xmm8\n",
            "movaps [rbp - 240], xmm9\n",
            "movaps [rbp - 256], xmm10\n",
            "movaps [rbp - 272], xmm11\n",
            "movaps [rbp - 288], xmm12\n",
            "movaps [rbp - 304], xmm13\n",
            "movaps [rbp - 320], xmm14\n",
            "movaps [rbp - 336], xmm15\n",
        )
    };
}

/// Gives the registers back what they had, and returns to the code.
macro_rules! close_frame {
    () => {
        concat!(
            "mov rax, [rbp - 16]\n",
            "mov rcx, [rbp - 24]\n",
            "mov rdx, [rbp - 32]\n",
            "mov rsi, [rbp - 40]\n",
            "mov r8, [rbp - 48]\n",
            "mov r9, [rbp - 56]\n",
            "mov r10, [rbp - 64]\n",
            "mov r11, [rbp - 72]\n",
            "mov rdi, [rbp - 80]\n",
            "movaps xmm0, [rbp - 96]\n",
            "movaps xmm1, [rbp - 112]\n",
            "movaps xmm2, [rbp - 128]\n",
            "movaps xmm3, [rbp - 144]\n",
            "movaps xmm4, [rbp - 160]\n",
            "movaps xmm5, [rbp - 176]\n",
            "movaps xmm6, [rbp - 192]\n",
            "movaps xmm7, [rbp - 208]\n",
            "movaps xmm8, [rbp - 224]\n",
            "movaps xmm9, [rbp - 240]\n",
            "movaps xmm10, [rbp - 256]\n",
            "movaps xmm11, [rbp - 272]\n",
            "movaps xmm12, [rbp - 288]\n",
            "movaps xmm13, [rbp - 304]\n",
            "movaps xmm14, [rbp - 320]\n",
            "movaps xmm15, [rbp - 336]\n",
            "mov rsp, rbp\n",
            "pop rbp\n",
            "ret\n",
        )
    };
}

pub(super) use {close_frame, open_frame};
