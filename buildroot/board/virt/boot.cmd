# Chooses the slot and starts it. U-Boot runs this from the first partition; the slots are tollgate-a and tollgate-b.
#
# What is chosen stands in the first sector of the partition tollgate-state, and once more at its ninth: U-Boot's form of an
# environment, CRC32 and key=value. The first one that is whole counts.
#
#   active  a or b, the slot that has proved itself
#   trying  a or b, a slot that is to prove itself, or "-"
#   left    1 while it has not been started yet
#
# A slot on trial is started once. If it does not prove itself, the next start takes the active one again.

setenv state 0x4b000000
setenv fit 0x4c000000
setenv active a
setenv trying -
setenv left 0
setenv found

part start virtio 0 tollgate-state first
setexpr second ${first} + 8
for sector in ${first} ${second}; do
	if test -z "${found}"; then
		virtio read ${state} ${sector} 1
		if env import -c ${state} 200 active trying left; then
			setenv found ${sector}
		fi
	fi
done

setenv other b
if test "${active}" = b; then
	setenv other a
fi
setenv order "${active} ${other}"
setenv trial 0
if test "${left}" = 1; then
	setenv left 0
	env export -c -s 200 ${state} active trying left
	virtio write ${state} ${first} 1
	virtio write ${state} ${second} 1
	setenv trial 1
	setenv order "${trying} ${active}"
fi

# The system is used where it was read to, instead of being copied once more.
setenv initrd_high ffffffffffffffff

setenv console_args "console=ttyAMA0"
for slot in ${order}; do
	part start virtio 0 tollgate-${slot} begin
	virtio read ${fit} ${begin} 1
	# bootm looks at nothing but what the head says is there, so that has to fit the slot.
	if fdt addr -q ${fit}; then
		fdt header get bytes totalsize
		setexpr sectors ${bytes} + 1ff
		setexpr sectors ${sectors} / 200
		part size virtio 0 tollgate-${slot} room
		if test 0x${sectors} -le 0x${room}; then
			virtio read ${fit} ${begin} ${sectors}
			setenv bootargs "${console_args} panic=10 loglevel=4 tollgate.slot=${slot} tollgate.trial=${trial}"
			bootm "${fit}#tollgate" "${fit}#tollgate" ${fdtcontroladdr}
		fi
	fi
	echo "Slot ${slot} does not start."
	setenv trial 0
done

# Neither starts. A power cut while one was written leaves the other, so this is a broken disk: try again from the beginning.
echo "No slot starts. Next try in 10 seconds."
sleep 10
reset
