//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// apart keeps a child from the terminal's Ctrl-C: the demo ends it itself, in order.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
