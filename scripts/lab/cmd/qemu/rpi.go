package main

import "context"

func (w *world) proveRaspberry(ctx context.Context) error { return nil }
