package main

import (
	"debug/buildinfo"
	"runtime/debug"
	"testing"
)

func TestAListNamesModulesAndPackages(t *testing.T) {
	info := &buildinfo.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{
		{Path: "go.etcd.io/bbolt", Version: "v1.5.0"},
		{Path: "example.com/old", Version: "v1", Replace: &debug.Module{Path: "example.com/new", Version: "v2+x"}},
	}}
	got := append(modules(info), debian("ca-certificates 20250419~deb12u2 abcd\nhalf line\n")...)
	want := []string{"pkg:golang/stdlib@1.26.8", "pkg:golang/go.etcd.io/bbolt@v1.5.0", "pkg:golang/example.com/new@v2+x", "pkg:deb/debian/ca-certificates@20250419~deb12u2"}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i].URL != want[i] {
			t.Errorf("%s, want %s", got[i].URL, want[i])
		}
	}
}
