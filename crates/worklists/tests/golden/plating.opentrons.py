# A worklist written by Tenfold. Do not change it: plan again instead.
# Liquid counts as moved only when its transfer is confirmed in Tenfold.

metadata = {"protocolName": "plate PL-1 of lab-1", "author": "Tenfold"}
requirements = {"robotType": "OT-2", "apiLevel": "2.15"}

PIPETTE = "p20_single_gen2"
TIPS = "opentrons_96_filtertiprack_20ul"
TIP_SLOTS = [5]

# What its label says, name in the labware library, slot of the deck.
LABWARE = [["PL-1","corning_384_wellplate_112ul_flat",1],["POOLS","nest_96_wellplate_2ml_deep",2],["R-9","nest_96_wellplate_2ml_deep",3],["CONTROLS","opentrons_24_tuberack_nest_2ml_snapcap",4]]

# From which labware and place, what stands there; into which, what stands there; microlitres.
TRANSFERS = [
    ["POOLS","A1","lab-1/P17","PL-1","A1","",20],
    ["R-9","C5","AB12345699","PL-1","P24","",20],
    ["CONTROLS","B1","NC","PL-1","B3","",20],
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
