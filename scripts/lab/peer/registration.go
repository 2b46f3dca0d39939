package peer

import (
	"fmt"
	"os"
	"path/filepath"
)

// registrationSeconds is how long a registration of the PBX lasts: the least that the box grants.
const registrationSeconds = 60

// Columns of the tables from which Kamailio's uac module reads what to register, in the files of its db_text module.
const (
	versionTable = "id(int,auto) table_name(string) table_version(int)\n1:uacreg:5\n"
	uacregTable  = "id(int,auto) l_uuid(string) l_username(string) l_domain(string) r_username(string) r_domain(string) " +
		"realm(string) auth_username(string) auth_password(string) auth_ha1(string,null) auth_proxy(string) expires(int) " +
		"flags(int) reg_delay(int) contact_addr(string,null) socket(string,null)\n"
)

// writeRegistration writes the one registration that the PBX keeps, with the box.
func (p *PBX) writeRegistration(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("set up the PBX's registration: %w", err)
	}
	// A colon separates the columns, so that those in values are escaped.
	proxy := fmt.Sprintf(`sip\:%s\:%d;transport=%s`, p.Box, p.BoxPort(), p.Transport)
	row := fmt.Sprintf("1:line-to-the-box:%[1]s:%[2]s:%[1]s:%[3]s:tollgate:%[1]s:%[4]s::%[5]s:%[6]d:0:0::\n",
		p.Login.User, p.Domain, p.Box, p.Login.Password, proxy, registrationSeconds)
	return writeFiles(map[string][]byte{
		filepath.Join(folder, "version"): []byte(versionTable),
		filepath.Join(folder, "uacreg"):  []byte(uacregTable + row),
	})
}
