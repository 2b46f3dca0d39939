package media

import (
	"bytes"
	"fmt"
	"log/slog"

	"github.com/pion/srtp/v3"

	"tollgate/firmware/policy"
)

// Keys is the key of one direction of an encrypted leg. It never prints.
type Keys struct {
	Suite policy.Suite
	Key   []byte // master key and, after it, master salt
	MKI   []byte // what each packet carries to name the key, at most 128 bytes, nil when nothing (RFC 3711 §3.1, RFC 4568 §9.1)
}

// Format makes every fmt verb print the suite alone.
func (k Keys) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%s ***", k.Suite) }

// LogValue makes slog print the suite alone.
func (k Keys) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(k)) }

func (k Keys) equal(o Keys) bool {
	return k.Suite == o.Suite && bytes.Equal(k.Key, o.Key) && bytes.Equal(k.MKI, o.MKI)
}

// shares tells whether two keys are the same secret, whatever else is said about them.
func (k Keys) shares(o Keys) bool { return bytes.Equal(k.Key, o.Key) }

func (k Keys) clone() Keys {
	return Keys{Suite: k.Suite, Key: bytes.Clone(k.Key), MKI: bytes.Clone(k.MKI)}
}

// profile returns a suite as pion/srtp calls it.
func (k Keys) profile() (srtp.ProtectionProfile, error) {
	switch k.Suite {
	case policy.SuiteAESCM128SHA180:
		return srtp.ProtectionProfileAes128CmHmacSha1_80, nil
	case policy.SuiteAESCM128SHA132:
		return srtp.ProtectionProfileAes128CmHmacSha1_32, nil
	case policy.SuiteAES256CMSHA180:
		return srtp.ProtectionProfileAes256CmHmacSha1_80, nil
	case policy.SuiteAES256CMSHA132:
		return srtp.ProtectionProfileAes256CmHmacSha1_32, nil
	case policy.SuiteAEADAES128GCM:
		return srtp.ProtectionProfileAeadAes128Gcm, nil
	case policy.SuiteAEADAES256GCM:
		return srtp.ProtectionProfileAeadAes256Gcm, nil
	}
	return 0, fmt.Errorf("no SRTP suite is called %q", k.Suite)
}

// lengths are those of the suite's master key and salt.
func (k Keys) lengths() (key, salt int, err error) {
	p, err := k.profile()
	if err != nil {
		return 0, 0, err
	}
	if key, err = p.KeyLen(); err == nil {
		salt, err = p.SaltLen()
	}
	return key, salt, err
}

// tagLengths are those of an RTP and of an RTCP packet. A short tag is short on RTP alone (RFC 4568 §6.2.2, RFC 6188 §4).
func (k Keys) tagLengths() (rtp, rtcp int) {
	rtp, rtcp = 10, 10
	switch k.Suite {
	case policy.SuiteAEADAES128GCM, policy.SuiteAEADAES256GCM:
		rtp, rtcp = 16, 16
	case policy.SuiteAESCM128SHA132, policy.SuiteAES256CMSHA132:
		rtp = 4
	}
	return rtp, rtcp
}
