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
;;|    7  mov rcx, [rax]
;;|    a  mov r8, rsp
;;|    d  cmp r8, rcx
;;|   10  jb 6Dh
;;|   16  xorpd xmm0, xmm0
;;|   1a  mov rcx, 3FF0000000000000h           @65
;;|   24  movq xmm1, rcx
;;|   29  xorpd xmm2, xmm2                     @76
;;|   2d  cvtsi2sd xmm2, rsi
;;|   32  divsd xmm1, xmm2                     @77
;;|   36  mov rcx, [rax]                       @30
;;|   39  test rcx, rcx
;;|   3c  jl 7Bh
;;|   42  ucomisd xmm0, [90h]                  @47
;;|   4a  ja 64h
;;|   50  sub edx, 1                           @-
;;|   53  addsd xmm0, xmm1                     @78
;;|   57  test edx, edx                        @88
;;|   59  jne 36h
;;|   5f  jmp 68h                              @91
;;|   64  xorpd xmm0, xmm0                     @-
;;|   68  mov rsp, rbp                         @94
;;|   6b  pop rbp
;;|   6c  ret
;;|   6d  mov rcx, [rdi+8]                     @25
;;|   71  mov rcx, [rcx]
;;|   74  call rcx
;;|   76  jmp 16h
;;|   7b  mov rcx, [rdi+8]                     @30
;;|   7f  mov rcx, [rcx]
;;|   82  call rcx
;;|   84  jmp 42h
;;|   89  add [rax], al                        @-
;;|   8b  add [rax], al
;;|   8d  add [rax], al
;;|   8f  add [rax], al
