;; The smallest program that says something: one call, one WASI import.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\0e\00\00\00Hello, world!\n")
  (func (export "_start")
    (drop (call $fd_write
      (i32.const 1)      ;; standard output
      (i32.const 0)      ;; one buffer: address 8, 14 bytes
      (i32.const 1)
      (i32.const 100)))))
