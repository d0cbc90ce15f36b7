;; A branch out of a loop does not keep the rest of the loop from being looked at: the division,
;; which the loop does not change, is done before it, and the exits come behind the loop.
(module
  (func (param $divisor i64) (param $count i32) (result f64)
    (local $sum f64)
    (block $exit
      (loop $again
        (block $inside
          (br_if $inside (i32.eqz (f64.gt (local.get $sum) (f64.const 4))))
          (local.set $sum (f64.const 0))
          (br $exit))
        (local.set $sum (f64.add
          (local.get $sum)
          (f64.div (f64.const 1) (f64.convert_i64_s (local.get $divisor)))))
        (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
    (local.get $sum))
)
;;= function 0, frame of 0 bytes
;;|    0  push rbp                             @-
;;|    1  mov rbp, rsp
;;|    4  mov rax, [rdi]                       @25
;;|    7  mov rax, [rax]
;;|    a  mov rcx, rsp
;;|    d  cmp rcx, rax
;;|   10  jb 70h
;;|   16  xorpd xmm0, xmm0
;;|   1a  mov rax, 3FF0000000000000h           @65
;;|   24  movq xmm1, rax
;;|   29  xorpd xmm2, xmm2                     @76
;;|   2d  cvtsi2sd xmm2, rsi
;;|   32  divsd xmm1, xmm2                     @77
;;|   36  mov rax, [rdi]                       @-
;;|   39  mov rcx, [rax]                       @30
;;|   3c  test rcx, rcx
;;|   3f  jl 7Eh
;;|   45  ucomisd xmm0, [90h]                  @47
;;|   4d  ja 67h
;;|   53  sub edx, 1                           @-
;;|   56  addsd xmm0, xmm1                     @78
;;|   5a  test edx, edx                        @88
;;|   5c  jne 39h
;;|   62  jmp 6Bh                              @91
;;|   67  xorpd xmm0, xmm0                     @-
;;|   6b  mov rsp, rbp                         @94
;;|   6e  pop rbp
;;|   6f  ret
;;|   70  mov rax, [rdi+8]                     @25
;;|   74  mov rax, [rax]
;;|   77  call rax
;;|   79  jmp 16h
;;|   7e  mov rcx, [rdi+8]                     @30
;;|   82  mov rcx, [rcx]
;;|   85  call rcx
;;|   87  jmp 45h
;;|   8c  add [rax], al                        @-
;;|   8e  add [rax], al
