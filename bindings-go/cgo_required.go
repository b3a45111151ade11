//go:build !cgo

package scopegate

// The name below is not declared anywhere: it is the compiler's message.
var _ = scopegate_needs_cgo_SET_CGO_ENABLED_1_and_have_a_C_compiler_and_libscopegate_with_its_pkg_config_file
