package netfilter

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
)

// socketBuffer holds the acknowledgements of a whole batch; with less, the kernel says ENOBUFS for a batch that it did
// commit.
const socketBuffer = 16 << 20

// kernel is the connection to nf_tables. It is for one caller at a time.
type kernel struct {
	conn  *nftables.Conn
	short *shortcut // for pinholes
	table *nftables.Table
}

func dial(table string) (*kernel, error) {
	k := &kernel{table: &nftables.Table{Name: table, Family: nftables.TableFamilyINet}}
	if err := k.reopen(); err != nil {
		return nil, err
	}
	return k, nil
}

// reopen starts afresh on a new socket. After an error the old one may still hold answers to earlier questions.
func (k *kernel) reopen() error {
	k.close()
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		return errors.Join(c.SetReadBuffer(socketBuffer), c.SetWriteBuffer(socketBuffer))
	}))
	if err != nil {
		return fmt.Errorf("open netlink to nf_tables: %w", err)
	}
	short, err := openShortcut()
	if err != nil {
		return errors.Join(fmt.Errorf("open netlink for pinholes: %w", err), conn.CloseLasting())
	}
	k.conn, k.short = conn, short
	return nil
}

// ready opens the socket where there is none, as after an error that could not be mended at once.
func (k *kernel) ready() error {
	if k.conn != nil {
		return nil
	}
	return k.reopen()
}

func (k *kernel) close() {
	if k.conn != nil {
		_ = k.conn.CloseLasting() // nothing is pending on it
		k.short.close()
		k.conn, k.short = nil, nil
	}
}

// flush sends what was collected as one transaction.
func (k *kernel) flush() error {
	err := k.conn.Flush()
	if err != nil {
		return errors.Join(err, k.reopen())
	}
	return nil
}
