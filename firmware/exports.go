package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tollgate/board"
	"tollgate/firmware/api"
	"tollgate/firmware/credential"
	"tollgate/firmware/delivery"
	"tollgate/firmware/envelope"
	"tollgate/firmware/stick"
)

// WriteStick writes what is asked for onto the stick that is plugged in.
func (v stickView) WriteStick(ctx context.Context, e api.StickExport, who string) ([]api.StickFile, error) {
	files, err := v.exported(e)
	if err != nil {
		return nil, err
	}
	written, err := v.sticks.Export(ctx, files)
	switch {
	case errors.Is(err, stick.ErrNoStick):
		return nil, &api.Conflict{Detail: "No stick is plugged in.", Remedy: "Plug one in that is formatted as FAT32 or exFAT."}
	case err != nil:
		return nil, &api.Conflict{Detail: asSentence(err), Remedy: "Take another stick, or make room on this one; what lay on it is as before."}
	}
	v.log.Info("written onto a stick", "who", who, "files", written)
	list := make([]api.StickFile, len(files))
	for i, f := range files {
		list[i] = api.StickFile{Name: written[i], Size: len(f.Data)}
	}
	return list, nil
}

// exported makes the files of an export.
func (v stickView) exported(e api.StickExport) (files []stick.File, err error) {
	add := func(kind, suffix string, data []byte) {
		files = append(files, stick.File{Kind: kind, Suffix: suffix, Data: data})
	}
	if e.Backup {
		sealed, err := v.sealedBackup(e)
		if err != nil {
			return nil, err
		}
		add("backup", envelope.Suffix, sealed)
	}
	if e.Calls {
		text, err := json.MarshalIndent(v.ended.latest(), "", "  ")
		if err != nil {
			return nil, fmt.Errorf("write the calls: %w", err)
		}
		add("calls", ".json", text)
	}
	if e.Log {
		add("log", ".txt", v.said.latest())
	}
	if e.Evidence {
		data, err := v.Evidence("")
		if err != nil {
			return nil, err
		}
		add("evidence", ".zip", data)
	}
	if len(files) == 0 {
		return nil, &api.Conflict{Detail: "Nothing was asked for.", Remedy: "Choose a backup, the latest calls, the log or evidence."}
	}
	return files, nil
}

// sealedBackup is a backup for whom the request names.
func (v stickView) sealedBackup(e api.StickExport) ([]byte, error) {
	f := envelope.For{Phrase: e.Phrase}
	if e.Recipient != "" {
		f.Recipients = []string{e.Recipient}
	}
	if e.Phrase != "" {
		if why := credential.Weak(e.Phrase); why != "" {
			return nil, &api.Conflict{Detail: "The pass phrase is too weak: it " + why + ".", Remedy: "The backup holds every secret of the box. Take several words that nobody guesses."}
		}
	}
	text, err := v.backup()
	if err != nil {
		return nil, err
	}
	sealed, err := envelope.Seal(text, f)
	if err != nil {
		return nil, &api.Conflict{Detail: asSentence(err), Remedy: "A backup is sealed with a pass phrase, or for one recipient."}
	}
	return sealed, nil
}

// backup is what the box knows.
func (b *box) backup() ([]byte, error) {
	rev, found, err := b.store.Confirmed()
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, &api.Conflict{Detail: "There is no policy yet, and nothing to keep.", Remedy: "Bring one first."}
	}
	b.ended.save()
	b.past.save()
	b.frauds.save()
	m, err := recollect(b.store)
	if err != nil {
		return nil, err
	}
	records, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write the backup: %w", err)
	}
	files := map[string]string{delivery.PolicyFile: string(rev.Policy), delivery.RecordsFile: string(records)}
	if list := b.blockList.shown().Text; list != "" {
		files[delivery.BlockListFile] = list
	}
	if rates := b.frauds.Rates().Text; rates != "" {
		files[delivery.RatesFile] = rates
	}
	return delivery.WriteBackup(delivery.Backup{Serial: board.Read("/").Serial, At: time.Now().UTC(), Files: files})
}
