package enhance_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"headroom/enhance"
)

func TestDefaultLook(t *testing.T) {
	t.Parallel()
	l := enhance.DefaultLook()
	if l.Framing != (enhance.Framing{Width: 1600, Height: 2000, Head: 0.5, EyeLine: 0.42}) || *l.Light.Strength != 1 || !*l.Cutout {
		t.Errorf("defaults are %+v", l)
	}
	var names []string
	for _, o := range l.Outputs {
		names = append(names, o.Name)
		if o.Width != o.Height || o.Format != enhance.FormatJPEG || o.Quality != 88 {
			t.Errorf("output %+v", o)
		}
	}
	if strings.Join(names, " ") != "1024 512 256" {
		t.Errorf("outputs are %v", names)
	}
	b, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	again, err := enhance.ParseLook(b)
	if err != nil || !reflect.DeepEqual(again, l) {
		t.Errorf("a look does not survive its own JSON: %+v, %v", again, err)
	}
	for _, empty := range []string{"", "{}", " \n", `{"background":{},"framing":{},"light":{},"outputs":null}`} {
		if got, err := enhance.ParseLook([]byte(empty)); err != nil || !reflect.DeepEqual(got, l) {
			t.Errorf("%q: got %+v, %v", empty, got, err)
		}
	}
}

func TestParseLookKeepsZeroes(t *testing.T) {
	t.Parallel()
	l, err := enhance.ParseLook([]byte(`{"light":{"strength":0},"cutout":false,"outputs":[]}`))
	if err != nil || *l.Light.Strength != 0 || *l.Cutout || len(l.Outputs) != 0 {
		t.Errorf("got %+v, %v", l, err)
	}
}

func TestParseLookNamesTheField(t *testing.T) {
	t.Parallel()
	for text, field := range map[string]string{
		`{"backround":{}}`:                                     `"backround"`,
		`{"background":{"colour":"#fff000"}}`:                  `"colour"`,
		`{"background":{"kind":"photo"}}`:                      "background.kind",
		`{"background":{"color":"red"}}`:                       "background.color",
		`{"background":{"color2":"#12345"}}`:                   "background.color2",
		`{"framing":{"width":5000}}`:                           "framing.width",
		`{"framing":{"width":"wide"}}`:                         "framing.width",
		`{"framing":{"head":0.9}}`:                             "framing.head",
		`{"framing":{"eye_line":-1}}`:                          "framing.eye_line",
		`{"light":{"strength":1.5}}`:                           "light.strength",
		`{"outputs":[{"name":"a","width":9,"height":99}]}`:     "outputs[0].width",
		`{"outputs":[{"name":"../a","width":99,"height":99}]}`: "outputs[0].name",
		`{"outputs":[{"name":"a","width":99,"height":99},{"name":"a","width":99,"height":99}]}`:                 "outputs[1].name",
		`{"outputs":[{"name":"a","width":99,"height":99,"format":"gif"}]}`:                                      "outputs[0].format",
		`{"outputs":[{"name":"a","width":99,"height":99,"quality":101}]}`:                                       "outputs[0].quality",
		`{"background":{"kind":"transparent"},"outputs":[{"name":"a","width":99,"height":99,"format":"jpeg"}]}`: "outputs[0].format",
		`{"version":2}`: "version",
		`{} {}`:         "more than one",
		`[]`:            "look",
	} {
		if _, err := enhance.ParseLook([]byte(text)); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got %v, want the field %s", text, err, field)
		}
	}
}
