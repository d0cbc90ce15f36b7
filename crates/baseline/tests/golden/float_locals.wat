;; Two floats stay in vector registers through the inner loop. The call costs them a store and a
;; load each, which the loop around it would not pay for alone.
(module
  (import "env" "f" (func $f (param f64) (result f64)))
  (memory 1)
  (func (param i32) (param $scale f64) (result f64) (local $sum f64) (local i32)
    (local.set $sum (call $f (local.get $scale)))
    (loop $again
      (local.set $sum
        (f64.add (local.get $sum) (f64.mul (local.get $scale) (f64.load (local.get 0)))))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 8)))))
    (f64.neg (local.get $sum))))
;;= function 0, frame of 80 bytes
;;|    0  push rbp                             @46
;;|    1  mov rbp, rsp
;;|    4  sub rsp, 50h
;;|    b  mov [rbp-8], r14
;;|    f  mov [rbp-10h], r15
;;|   13  mov [rbp-18h], rbx
;;|   17  mov r14, rdi
;;|   1a  mov ebx, esi
;;|   1c  movaps xmm9, xmm0
;;|   20  xorps xmm8, xmm8
;;|   24  mov qword ptr [rbp-30h], 0
;;|   2c  mov r11, [r14]
;;|   2f  cmp rsp, [r11]
;;|   32  jb 0BDh
;;|   38  mov r15, [r14+20h]
;;|   3c  movaps xmm0, xmm9                    @53
;;|   40  mov rdi, [r14+38h]
;;|   44  mov rax, [r14+30h]
;;|   48  movsd [rbp-20h], xmm9
;;|   4e  movsd [rbp-28h], xmm8
;;|   54  call qword ptr [rax]
;;|   56  movsd xmm9, [rbp-20h]
;;|   5c  movsd xmm8, [rbp-28h]
;;|   62  movaps xmm8, xmm0                    @55
;;|   66  sub dword ptr [r14+50h], 32h         @57
;;|   6e  js 0D2h
;;|   74  movsd xmm0, [r15+rbx]                @65 MemoryOutOfBounds
;;|   7a  movaps xmm1, xmm9                    @68
;;|   7e  mulsd xmm1, xmm0
;;|   82  addsd xmm8, xmm1                     @69
;;|   87  lea ebx, [rbx-8]                     @76
;;|   8a  test ebx, ebx                        @79
;;|   8c  jne 66h
;;|   92  movq r11, xmm8                       @84
;;|   97  btc r11, 3Fh
;;|   9c  movq xmm0, r11
;;|   a1  sub dword ptr [r14+50h], 69h         @85
;;|   a9  js 0E5h
;;|   af  mov r14, [rbp-8]
;;|   b3  mov r15, [rbp-10h]
;;|   b7  mov rbx, [rbp-18h]
;;|   bb  leave
;;|   bc  ret
;;|   bd  mov r10, rdi                         @46
;;|   c0  mov rdi, r14
;;|   c3  mov r11, [r14+8]
;;|   c7  call qword ptr [r11]
;;|   ca  mov rdi, r10
;;|   cd  jmp 38h
;;|   d2  mov r11d, 80000000h                  @57
;;|   d8  mov r10, [r14+8]
;;|   dc  call qword ptr [r10+8]
;;|   e0  jmp 74h
;;|   e5  push r10                             @85
;;|   e7  push r10
;;|   e9  mov r11d, 0
;;|   ef  mov r10, [r14+8]
;;|   f3  call qword ptr [r10+8]
;;|   f7  pop r10
;;|   f9  pop r10
;;|   fb  jmp 0AFh
