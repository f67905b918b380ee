# A worklist written by Tenfold. Do not change it: plan again instead.
# Liquid counts as moved only when its transfer is confirmed in Tenfold.

metadata = {"protocolName": "pools P17, P18 of lab-1", "author": "Tenfold"}
requirements = {"robotType": "OT-2", "apiLevel": "2.15"}

PIPETTE = "p300_single_gen2"
TIPS = "opentrons_96_filtertiprack_200ul"
TIP_SLOTS = [4]

# What its label says, name in the labware library, slot of the deck.
LABWARE = [["POOLS","opentrons_24_tuberack_nest_2ml_snapcap",1],["R-1","nest_96_wellplate_2ml_deep",2],["R-2","nest_96_wellplate_2ml_deep",3]]

# From which labware and place, what stands there; into which, what stands there; microlitres.
TRANSFERS = [
    ["R-1","A1","AB12345601","POOLS","A1","lab-1/P17",100],
    ["R-1","H12","AB12345602","POOLS","A1","lab-1/P17",100],
    ["R-2","B1","AB12345603","POOLS","D6","lab-1/P18",100],
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
