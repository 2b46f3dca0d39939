package policy

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
)

// reader sets v from a scalar, or says what is wrong with it and what to do.
type reader func(v reflect.Value, s scalar) (problem, hint string)

// scalarReader returns the reader for v's type and the name of what it reads, or nil when v is no scalar.
func scalarReader(v reflect.Value) (reader, string) {
	switch v.Interface().(type) {
	case netip.Addr:
		return readAddr, "an IP address"
	case OwnAddress:
		return readOwnAddress, "an address with its prefix length, or dhcp"
	case netip.Prefix:
		return readPrefix, "an address range"
	case netip.AddrPort:
		return readAddrPort, "an IP address with port"
	case AddrRange:
		return readAddrRange, "a range of addresses"
	case PortRange:
		return readPortRange, "a range of ports"
	}
	switch v.Kind() {
	case reflect.String:
		return readString, "text"
	case reflect.Int, reflect.Uint16:
		return readNumber, "a number"
	case reflect.Bool:
		return readBool, "true or false"
	}
	return nil, ""
}

func readString(v reflect.Value, s scalar) (string, string) {
	v.SetString(s.text)
	return "", ""
}

func readBool(v reflect.Value, s scalar) (string, string) {
	v.SetBool(s.text == "true")
	return "", ""
}

// decimal leaves out what people and programs read differently: 010, 0x10, 1_000.
var decimal = patternOf(`^[+-]?(0|[1-9][0-9]{0,9})$`)

func readNumber(v reflect.Value, s scalar) (string, string) {
	if !s.number {
		return "is text where a number is expected", "write it in plain digits, without quotes"
	}
	n, err := strconv.ParseInt(s.text, 10, 64)
	if err != nil || !decimal.matches(s.text) {
		return fmt.Sprintf("%s is not a number in plain digits", quoted(s.text)), "leave out leading zeros, signs and spaces"
	}
	if v.Kind() == reflect.Uint16 {
		return readUint16(v, n)
	}
	if n > 1<<31-1 || n < -1<<31 {
		return fmt.Sprintf("%d is beyond every limit", n), ""
	}
	v.SetInt(n)
	return "", ""
}

func readUint16(v reflect.Value, n int64) (string, string) {
	if n < 1 || n > 65535 {
		return fmt.Sprintf("%d is not a port", n), "ports go from 1 to 65535"
	}
	v.SetUint(uint64(n))
	return "", ""
}

func readAddr(v reflect.Value, s scalar) (string, string) {
	a, err := netip.ParseAddr(s.text)
	if err != nil {
		return fmt.Sprintf("%s is not an IP address", quoted(s.text)), "write it like 192.0.2.1 or 2001:db8::1"
	}
	if problem, hint := strangeAddr(a); problem != "" {
		return problem, hint
	}
	v.Set(reflect.ValueOf(a))
	return "", ""
}

// readPrefix reads 192.0.2.0/24, or one address alone, which counts as a range of one.
func readPrefix(v reflect.Value, s scalar) (string, string) {
	prefix, err := netip.ParsePrefix(s.text)
	if err != nil {
		a, errAddr := netip.ParseAddr(s.text)
		if errAddr != nil {
			return fmt.Sprintf("%s is not an address with its prefix length", quoted(s.text)), "write it like 192.0.2.0/24 or 2001:db8::/64"
		}
		prefix = netip.PrefixFrom(a, a.BitLen())
	}
	if problem, hint := strangeAddr(prefix.Addr()); problem != "" {
		return problem, hint
	}
	v.Set(reflect.ValueOf(prefix))
	return "", ""
}

// readAddrPort reads 192.0.2.20:5060. Without a port the transport decides (see fill).
func readAddrPort(v reflect.Value, s scalar) (string, string) {
	ap, err := netip.ParseAddrPort(s.text)
	if err != nil {
		a, errAddr := netip.ParseAddr(s.text)
		if errAddr != nil {
			return fmt.Sprintf("%s is not an IP address with port", quoted(s.text)), "write it like 192.0.2.20:5060 or [2001:db8::20]:5060; a name will not do"
		}
		ap = netip.AddrPortFrom(a, 0)
	} else if ap.Port() == 0 {
		return "0 is not a port", "ports go from 1 to 65535"
	}
	if problem, hint := strangeAddr(ap.Addr()); problem != "" {
		return problem, hint
	}
	v.Set(reflect.ValueOf(ap))
	return "", ""
}

// strangeAddr refuses spellings that would not compare equal to the same address elsewhere.
func strangeAddr(a netip.Addr) (string, string) {
	switch {
	case a.Zone() != "":
		return "an address with a zone is not allowed here", "leave out the % and what follows it"
	case a.Is4In6():
		return "an IPv4 address is written as IPv6 here", "write " + a.Unmap().String()
	}
	return "", ""
}

func readPortRange(v reflect.Value, s scalar) (string, string) {
	r, err := parsePortRange(s.text)
	if err != nil {
		return fmt.Sprintf("%s is not a range of ports", quoted(s.text)), "write it like 20000-20999"
	}
	v.Set(reflect.ValueOf(r))
	return "", ""
}

func parsePortRange(s string) (PortRange, error) {
	low, high, _ := strings.Cut(s, "-")
	l, err := strconv.ParseUint(strings.TrimSpace(low), 10, 16)
	if err != nil {
		return PortRange{}, fmt.Errorf("reading the lower port: %w", err)
	}
	h, err := strconv.ParseUint(strings.TrimSpace(high), 10, 16)
	if err != nil {
		return PortRange{}, fmt.Errorf("reading the upper port: %w", err)
	}
	return PortRange{uint16(l), uint16(h)}, nil
}

// String prints the range as a document has it: "20000-20999".
func (r PortRange) String() string { return fmt.Sprintf("%d-%d", r.Low, r.High) }

// UnmarshalText reads what String prints.
func (r *PortRange) UnmarshalText(b []byte) error {
	read, err := parsePortRange(string(b))
	if err != nil {
		return err
	}
	*r = read
	return nil
}

// MarshalText prints String.
func (r PortRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// spaced matches numbers written in groups, as people write telephone numbers.
var spaced = patternOf(`^\+?[0-9][0-9 ./()-]{0,23}$`)

// quoted repeats a value in a fault: its first word, and at most 40 characters. Where a colon or a line end is missing,
// YAML takes the next line for more words of the value, and that line may hold a secret. Never for secrets or users.
func quoted(s string) string {
	word := s
	if first := strings.Fields(s); len(first) > 1 && !spaced.matches(s) {
		word = first[0] + " ..."
	}
	if runes := []rune(word); len(runes) > 40 {
		word = string(runes[:40]) + " ..."
	}
	return strconv.Quote(word)
}
