/* SPDX-License-Identifier: BSD-3-Clause */
/* Help texts. coldvm(1) says more; what is said in both has to agree. */
#include "vmm/help.h"

#define OPTIONS_OF_A_VM                                                                         \
	"  --cpus boot=N             vCPUs, 1 to 64 (default 1)\n"                              \
	"  --memory size=S           RAM, such as 512M or 4G (default 512M)\n"                  \
	"      [,hugepages=on]       from 2 MiB huge pages\n"                                   \
	"      [,shared=on]          from a shared memfd\n"                                     \
	"      [,prefault=on]        every page before the guest starts\n"                      \
	"  --memory-zone id=Z,size=S RAM in place of --memory, with its keys; repeatable\n"     \
	"      [,host_numa_node=N]   from that node of the host alone\n"                        \
	"  --numa guest_numa_id=N    a NUMA node of the guest; repeatable\n"                    \
	"      [,cpus=[0-1,3]] [,memory_zones=[Z,...]] [,distances=[N@20,...]]\n"               \
	"  --disk path=P             a raw image or block device; repeatable\n"                 \
	"      [,readonly=on] [,direct=on] [,num_queues=N] [,queue_size=N] [,serial=S] "        \
	"[,id=NAME]\n"                                                                          \
	"  --net tap=NAME|fd=N|fd=[N,M]|socket=P|passt=on   a network card; repeatable\n"       \
	"      [,mac=M] [,num_queues=N] [,queue_size=N] [,mtu=N] [,vhost=auto|on|off]\n"        \
	"      [,passt_args=ARGS] [,id=NAME]\n"                                                 \
	"  --fs tag=T,socket=P       a directory, by virtiofsd; wants --memory shared=on\n"     \
	"      [,num_queues=N] [,queue_size=N] [,id=NAME]\n"                                    \
	"  --vsock cid=N,socket=P    sockets between guest and host\n"                          \
	"  --rng src=FILE            entropy, such as from /dev/urandom\n"                      \
	"  --balloon size=S          memory that the guest gives back\n"                        \
	"      [,deflate_on_oom=on] [,free_page_reporting=on]\n"                                \
	"  --console off|null|tty|pty|file=P   hvc0 of the guest (default off)\n"               \
	"  --watchdog                resets a guest that does not ping it any more\n"           \
	"  --device path=P           give the host's PCI device P (address or sysfs path) to "  \
	"the\n"                                                                                 \
	"                            guest; repeatable; functions of one slot share one port\n" \
	"      fd=N                  instead of path, or with it: its open character device\n"  \
	"      [,functions=one|all]  that function, or all of its slot on the host\n"           \
	"      [,id=NAME]            its name in log and events\n"                              \
	"      [,pr3=auto|port|endpoint|both]  where the guest finds its power resource\n"      \
	"      [,power=d3cold|d3hot|on]        the deepest state that the host may go to\n"     \
	"      [,backend=auto|explicit|lowpower|d3hot]  how the host is asked for it\n"         \
	"      [,pme=off|on|force]   whether the guest may arm its wake signal\n"               \
	"      [,rom=off|device|FILE]          the expansion ROM that the guest finds\n"        \
	"      [,wake=notify|rearm]            what a wake by the host leads to\n"              \
	"      [,max-wakes-per-min=N]          so many of them count (default 30; 0: all)\n"    \
	"      [,min-off-ms=N]                 awake at least so long before low power\n"       \
	"      [,on-failure=continue|stop]     if the device does not come back\n"              \
	"      [,force=on]                     D3cold although others lost such a card\n"       \
	"      [,x_nv_gpudirect_clique=N]      NVIDIA GPUs of one N use peer-to-peer DMA\n"     \
	"      [,numa_node=auto|N]             the node of the guest that it is near to\n"      \
	"  --serial tty|null|file=P  COM1 of the guest (default tty; Ctrl-A x leaves)\n"        \
	"  --platform chassis=desktop|laptop   what SMBIOS says (default desktop)\n"            \
	"      [,vfio_p2p_dma=on|off]   whether devices reach each other by DMA (default on)\n" \
	"      [,iommufd=auto|on|off]          reach devices through iommufd, or by group\n"    \
	"      [,iommufd_fd=N]                 an open /dev/iommu\n"

const char help_coldvm[] =
	"coldvm: a VMM whose passthrough devices really go cold\n"
	"\n"
	"  coldvm run --kernel FILE [options]   run a virtual machine\n"
	"  coldvm tables DIR [options]          write the ACPI tables it would have to DIR\n"
	"  coldvm doctor [DEVICE...]            say what stands between devices and D3cold\n"
	"  coldvm park DEVICE...                keep devices that no VM uses in D3cold\n"
	"  coldvm ctl SOCKET VERB               ask a running virtual machine\n"
	"  coldvm top SOCKET...                 watch the power of running machines' devices\n"
	"  coldvm bench power DEVICE            measure what D3cold is worth here\n"
	"  coldvm COMMAND --help                options and examples of a command\n"
	"  coldvm --version\n";

const char help_run[] =
	"coldvm run --kernel FILE [options]\n"
	"\n"
	"  --kernel FILE             bzImage, or ELF vmlinux with a PVH entry\n"
	"  --initramfs FILE\n"
	"  --cmdline STRING          of the kernel\n" OPTIONS_OF_A_VM
	"  --event-monitor path=F|fd=N         events as JSON lines\n"
	"  --api-socket path=F|fd=N            control socket, for coldvm ctl and top\n"
	"  --no-reboot               a guest that resets ends coldvm\n"
	"  --config FILE             options as JSON; those that follow add to it or override it\n"
	"  --print-config            write the options as such a file, and end\n"
	"  -v, -vv                   say more on standard error\n"
	"\n"
	"Exit status: 0 the guest powered off, 1 host error, 2 usage, 3 guest reset,\n"
	"4 guest crashed, 5 stopped by a signal. SIGTERM presses the power button; a second\n"
	"one, or 10 seconds, stop the VM.\n"
	"\n"
	"Examples:\n"
	"  coldvm run --kernel bzImage --initramfs initrd --cmdline console=ttyS0\n"
	"  coldvm run --kernel bzImage --initramfs initrd --cmdline console=ttyS0 \\\n"
	"      --memory size=4G --cpus boot=4 --device path=0000:01:00.0,id=gpu \\\n"
	"      --device path=0000:01:00.1 --event-monitor path=events.json\n"
	"  coldvm run --kernel bzImage --initramfs initrd --cmdline console=ttyS0 --cpus boot=2 "
	"\\\n"
	"      --memory-zone id=a,size=2G,host_numa_node=0 id=b,size=2G,host_numa_node=1 \\\n"
	"      --numa guest_numa_id=0,cpus=[0],memory_zones=[a] \\\n"
	"      --numa guest_numa_id=1,cpus=[1],memory_zones=[b] --device path=0000:81:00.0\n";

const char help_tables[] = "coldvm tables DIR [options]\n"
			   "\n" OPTIONS_OF_A_VM "\n"
			   "Example:\n"
			   "  coldvm tables out --device path=0000:01:00.0,pr3=both\n";

const char help_version[] = "coldvm " COLDVM_VERSION "\n";
