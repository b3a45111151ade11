//go:build cgo

// Package panics makes libscopegate panic on demand, where it is the one that is built for tests (ffi/hooks).
package panics

// #cgo LDFLAGS: -ldl
// #define _GNU_SOURCE
// #include <dlfcn.h>
// #include <stdlib.h>
//
// static int panic_in(const char *entry)
// {
//     void (*hook)(const char *) = (void (*)(const char *))dlsym(RTLD_DEFAULT, "scopegate_test_hooks_panic_in");
//     if (hook != NULL) {
//         hook(entry);
//     }
//     return hook != NULL;
// }
import "C"

import "unsafe"

// In makes the exported function of this name panic from now on, and no other. It tells whether the library can.
func In(entry string) bool {
	name := C.CString(entry)
	defer C.free(unsafe.Pointer(name))
	return C.panic_in(name) == 1
}

// Nowhere ends it.
func Nowhere() {
	C.panic_in(nil)
}
