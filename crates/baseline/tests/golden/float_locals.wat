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
;;|   32  jb 0C6h
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
;;|   66  sub dword ptr [r14+50h], 38h         @57
;;|   6e  js 0DBh
;;|   74  movsd xmm0, [r15+rbx]                @65 MemoryOutOfBounds
;;|   7a  movaps xmm1, xmm9                    @68
;;|   7e  mulsd xmm1, xmm0
;;|   82  movaps xmm0, xmm8                    @69
;;|   86  addsd xmm0, xmm1
;;|   8a  movaps xmm8, xmm0                    @70
;;|   8e  lea eax, [rbx-8]                     @76
;;|   91  mov ebx, eax                         @77
;;|   93  test ebx, ebx                        @79
;;|   95  jne 66h
;;|   9b  movq r11, xmm8                       @84
;;|   a0  btc r11, 3Fh
;;|   a5  movq xmm0, r11
;;|   aa  sub dword ptr [r14+50h], 6Ch         @85
;;|   b2  js 0EEh
;;|   b8  mov r14, [rbp-8]
;;|   bc  mov r15, [rbp-10h]
;;|   c0  mov rbx, [rbp-18h]
;;|   c4  leave
;;|   c5  ret
;;|   c6  mov r10, rdi                         @46
;;|   c9  mov rdi, r14
;;|   cc  mov r11, [r14+8]
;;|   d0  call qword ptr [r11]
;;|   d3  mov rdi, r10
;;|   d6  jmp 38h
;;|   db  mov r11d, 0                          @57
;;|   e1  mov r10, [r14+8]
;;|   e5  call qword ptr [r10+8]
;;|   e9  jmp 74h
;;|   ee  push r10                             @85
;;|   f0  push r10
;;|   f2  mov r11d, 0
;;|   f8  mov r10, [r14+8]
;;|   fc  call qword ptr [r10+8]
;;|  100  pop r10
;;|  102  pop r10
;;|  104  jmp 0B8h
