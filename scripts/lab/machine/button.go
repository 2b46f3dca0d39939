package machine

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// buttonLine is the line of the GPIO controller that the machine's power button is wired to, as its device tree says.
const buttonLine = 3

// Button sets the level of the wire that the button of "virt" hangs on, as a finger does: down, or let go. The GPIO controller, the
// kernel's driver and what hears of it are the machine's own. It is QEMU's protocol for tests of devices that can hold the wire;
// system_powerdown of its monitor lets go after a tenth of a second.
func (m *Machine) Button(down bool) error {
	controller, err := m.find("pl061")
	if err != nil {
		return fmt.Errorf("press the button: %w", err)
	}
	conn, err := net.DialTimeout("unix", filepath.Join(m.folder, wiresName), patience)
	if err != nil {
		return fmt.Errorf("press the button: %w", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	level := map[bool]int{false: 0, true: 1}[down]
	if _, err := fmt.Fprintf(conn, "set_irq_in %s unnamed-gpio-in %d %d\n", controller, buttonLine, level); err != nil {
		return fmt.Errorf("press the button: %w", err)
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && strings.TrimSpace(answer) != "OK" {
		err = errors.New(strings.TrimSpace(answer))
	}
	if err != nil {
		return fmt.Errorf("press the button: %w", err)
	}
	return nil
}

// find returns QEMU's name of the machine's one device of a kind.
func (m *Machine) find(kind string) (string, error) {
	const all = "/machine/unattached"
	t, err := m.tell()
	if err != nil {
		return "", err
	}
	answer, err := t.ask("qom-list", map[string]any{"path": all})
	if err != nil {
		return "", err
	}
	var devices []struct{ Name, Type string }
	if err := json.Unmarshal(answer, &devices); err != nil {
		return "", fmt.Errorf("ask QEMU for its devices: %w", err)
	}
	for _, d := range devices {
		if d.Type == "child<"+kind+">" {
			return all + "/" + d.Name, nil
		}
	}
	return "", fmt.Errorf("the machine has no %s", kind)
}
