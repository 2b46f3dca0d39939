################################################################################
#
# tollgate
#
################################################################################

TOLLGATE_VERSION = $(shell git -C $(BR2_EXTERNAL_TOLLGATE_PATH) rev-parse --short=12 HEAD)
TOLLGATE_SITE = $(BR2_EXTERNAL_TOLLGATE_PATH)/..
TOLLGATE_SITE_METHOD = local
TOLLGATE_LICENSE = PROPRIETARY
TOLLGATE_REDISTRIBUTE = NO
TOLLGATE_GOMOD = tollgate
TOLLGATE_BUILD_TARGETS = firmware
TOLLGATE_BIN_NAME = tollgate
TOLLGATE_DEPENDENCIES = host-e2fsprogs
TOLLGATE_LDFLAGS = -s -w \
	-X tollgate/firmware/cli.commit=$(TOLLGATE_VERSION)
TOLLGATE_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = \
	--exclude out --exclude node_modules --exclude .git
# One static program: nothing else of the target is in the system.
TOLLGATE_GO_ENV = CGO_ENABLED=0

TOLLGATE_BUILT = $(shell git -C $(BR2_EXTERNAL_TOLLGATE_PATH) log -1 --format=%ct)
TOLLGATE_BOARD = $(call qstrip,$(BR2_PACKAGE_TOLLGATE_BOARD))
TOLLGATE_KEYS = $(call qstrip,$(BR2_PACKAGE_TOLLGATE_UPDATE_KEYS))

# The web page and the modules are brought by two commands before the build,
# see buildroot/README.md; the build itself fetches nothing for them.
define TOLLGATE_CHECK_SOURCES
	@for needed in webui/dist/index.html vendor/modules.txt; do \
		if [ ! -e $(@D)/$$needed ]; then \
			echo "$$needed is missing: see buildroot/README.md" >&2; \
			exit 1; \
		fi \
	done
endef
TOLLGATE_PRE_CONFIGURE_HOOKS += TOLLGATE_CHECK_SOURCES

define TOLLGATE_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/bin/tollgate $(TARGET_DIR)/sbin/tollgate
	ln -sf tollgate $(TARGET_DIR)/sbin/init
	ln -sf sbin/init $(TARGET_DIR)/init
	mkdir -p $(TARGET_DIR)/etc/tollgate $(TARGET_DIR)/data
	printf 'board=%s\nrelease=%s\nbuilt=%s\n' $(TOLLGATE_BOARD) \
		$(TOLLGATE_VERSION) $(TOLLGATE_BUILT) \
		> $(TARGET_DIR)/etc/tollgate/release
	$(if $(TOLLGATE_KEYS),$(INSTALL) -D -m 0644 $(TOLLGATE_KEYS) \
		$(TARGET_DIR)/etc/tollgate/update.keys)
	$(TOLLGATE_INSTALL_DATA)
endef

# What a data partition that was never used begins with.
define TOLLGATE_INSTALL_DATA
	rm -f $(@D)/data.ext4
	truncate -s 16M $(@D)/data.ext4
	$(HOST_DIR)/sbin/mke2fs -q -F -t ext4 -b 4096 -I 256 -i 16384 -m 0 \
		-L tollgate-data -E resize=67108864,root_owner=0:0 $(@D)/data.ext4
	gzip -9nc $(@D)/data.ext4 > $(@D)/data.ext4.gz
	$(INSTALL) -D -m 0644 $(@D)/data.ext4.gz $(TARGET_DIR)/lib/data.ext4.gz
endef

$(eval $(golang-package))
