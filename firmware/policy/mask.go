package policy

// secrets visits every secret with its path.
func (p *Policy) secrets(visit func(path string, s *Secret)) {
	visit("pbx.secret", &p.PBX.Secret)
	visit("pbx.tls.key", &p.PBX.TLS.Key)
	visit("phones.tls.key", &p.Phones.TLS.Key)
	visit("admin.key", &p.Admin.Key)
	for i := range p.Trunks {
		visit(index("trunks", i)+".tls.key", &p.Trunks[i].TLS.Key)
		visit(index("trunks", i)+".stir.key", &p.Trunks[i].Stir.Key)
		for j := range p.Trunks[i].Accounts {
			visit(index(index("trunks", i)+".accounts", j)+".secret", &p.Trunks[i].Accounts[j].Secret)
		}
	}
}

// masked tells whether a secret still says "keep the one in force".
func (p *Policy) masked() bool {
	found := false
	p.secrets(func(_ string, s *Secret) { found = found || *s == SecretMask })
	return found
}

// FillSecrets replaces each *** in p by the secret in force, which from holds: trunks are matched by name, accounts by
// user. A *** that has no counterpart is a fault and stays as it is. From may be nil, when nothing is in force.
func FillSecrets(p, from *Policy) Faults {
	if from == nil {
		from = &Policy{}
	}
	var faults Faults
	fill := func(path string, s *Secret, inForce Secret) {
		switch {
		case *s != SecretMask:
		case inForce == "" || inForce == SecretMask:
			faults = append(faults, Fault{Path: path, Problem: "*** keeps the secret in force, and there is none",
				Hint: "write the secret itself"})
		default:
			*s = inForce
		}
	}
	fillKey := func(path, certificate string, key *Secret, inForce Secret) {
		masked := *key == SecretMask
		fill(path+".key", key, inForce)
		if problem := (TLS{Certificate: certificate, Key: *key}).mismatch(); masked && problem != "" {
			faults = append(faults, Fault{Path: path + ".key", Problem: "*** keeps the key in force, and it " + problem,
				Hint: "write the key itself"})
		}
	}
	fill("pbx.secret", &p.PBX.Secret, from.PBX.secretOf(p.PBX.User))
	fillKey("pbx.tls", p.PBX.TLS.Certificate, &p.PBX.TLS.Key, from.PBX.TLS.Key)
	fillKey("phones.tls", p.Phones.TLS.Certificate, &p.Phones.TLS.Key, from.Phones.TLS.Key)
	fillKey("admin", p.Admin.Certificate, &p.Admin.Key, from.Admin.Key)
	for i := range p.Trunks {
		t := &p.Trunks[i]
		before := from.Trunk(t.Name)
		fillKey(index("trunks", i)+".tls", t.TLS.Certificate, &t.TLS.Key, before.key())
		fillKey(index("trunks", i)+".stir", t.Stir.Certificate, &t.Stir.Key, before.stirKey())
		for j := range t.Accounts {
			a := &t.Accounts[j]
			fill(index(index("trunks", i)+".accounts", j)+".secret", &a.Secret, before.secretOf(a.User))
		}
	}
	return faults
}

// key returns the key of the trunk's certificate, or nothing; also for no trunk at all.
func (t *Trunk) key() Secret {
	if t == nil {
		return ""
	}
	return t.TLS.Key
}

func (t *Trunk) stirKey() Secret {
	if t == nil {
		return ""
	}
	return t.Stir.Key
}

func (p PBX) secretOf(user string) Secret {
	if p.User != user {
		return ""
	}
	return p.Secret
}

// secretOf returns the secret of an account, or nothing; also for no trunk at all.
func (t *Trunk) secretOf(user string) Secret {
	if t == nil {
		return ""
	}
	for _, a := range t.Accounts {
		if a.User == user {
			return a.Secret
		}
	}
	return ""
}
