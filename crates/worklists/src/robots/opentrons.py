# A worklist written by Tenfold. Do not change it: plan again instead.
# Liquid counts as moved only when its transfer is confirmed in Tenfold.

metadata = {"protocolName": "@TITLE@", "author": "Tenfold"}
requirements = {"robotType": "OT-2", "apiLevel": "2.15"}

PIPETTE = "@PIPETTE@"
TIPS = "@TIPS@"
TIP_SLOTS = "@TIP_SLOTS@"

# What its label says, name in the labware library, slot of the deck.
LABWARE = "@LABWARE@"

# From which labware and place, what stands there; into which, what stands there; microlitres.
TRANSFERS = [
    "@TRANSFERS@",
]


def run(protocol):
    deck = {
        label: protocol.load_labware(kind, slot, label)
        for label, kind, slot in LABWARE
    }
    tips = [protocol.load_labware(TIPS, slot) for slot in TIP_SLOTS]
    pipette = protocol.load_instrument(PIPETTE, "right", tip_racks=tips)
    for source, at, what, target, to, into, ul in TRANSFERS:
        protocol.comment(f"{what} -> {into or target} {to}")
        # One tip a transfer: nothing of one tube gets into another.
        pipette.transfer(ul, deck[source][at], deck[target][to], new_tip="always")
